"""The tables that pages read instead of whole runs: tallies, lines of metrics, the heartbeat.

Import them from `team_tables.py`.
"""

import sqlalchemy as sa

from prefloop.store.core.tables import metadata

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("labeler", sa.Text, primary_key=True),
    sa.Column("instructions", sa.Text, primary_key=True),
    sa.Column("answer", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column(
        "sequence",
        sa.Integer,
        nullable=False,
        server_default=sa.text("0"),
        index=True,
        comment="the last event of the ledger that changed it; 0: none since schema 0005",
    ),
    comment="Answers given per hour: what the dashboard reads instead of every label.",
)

updates = sa.Table(
    "updates",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("update", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("line", sa.Text, nullable=False, comment="JSON"),
    sa.Column("samples", sa.Text, nullable=False, comment="JSON"),
    sa.Index(None, "stage", "update"),
    # The number of a line that was forgotten is never given again: pages ask for what came after.
    sqlite_autoincrement=True,
)

trainer = sa.Table(
    "trainer",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("checkpoints", sa.Text, nullable=False, comment="JSON list of updates"),
    sa.Column("heartbeat_at", sa.Double, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    comment="One row: what the trainer is doing, and where the labeling page is.",
)
