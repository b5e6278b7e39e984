"""Work is measured by the database's clock, and questions may be reserved for some people.

What was measured before stays as it is: its hours are those of the labelers' browsers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, the indexes and the table; no row is lost."""
    _extend_assignments()
    _extend_tallies()
    _create_batch_shares()


def _extend_assignments() -> None:
    op.add_column(
        "assignments",
        sa.Column(
            "worked_seconds",
            sa.Double,
            comment="from hand-out, or the labeler's last answer, to the answer; at most the lease",
        ),
    )
    op.add_column(
        "assignments",
        sa.Column(
            "handed_after",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="the last event of the ledger when it was handed out",
        ),
    )
    op.execute(
        "UPDATE assignments SET handed_after = coalesce((SELECT max(frozen_sequence) FROM batches "
        "WHERE batches.frozen_at < assignments.handed_at), 0)"
    )
    where = sa.text("closed_at IS NOT NULL AND answer_id IS NULL")
    op.create_index(
        "ix_assignments_given_back",
        "assignments",
        ["labeler", "comparison_id"],
        sqlite_where=where,
        postgresql_where=where,
    )


def _extend_tallies() -> None:
    op.add_column(
        "tallies",
        sa.Column(
            "sequence",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="the last event of the ledger that changed it; 0: none since schema 0005",
        ),
    )
    op.create_index("ix_tallies_sequence", "tallies", ["sequence"])


def _create_batch_shares() -> None:
    event = sa.ForeignKey("events.sequence")
    op.create_table(
        "batch_shares",
        sa.Column("round", sa.Integer, sa.ForeignKey("batches.round"), primary_key=True),
        sa.Column("labeler", sa.Text, primary_key=True),
        sa.Column("share", sa.Double, comment="of the answers wanted; null: any number"),
        sa.Column("sequence", sa.Integer, event, nullable=False),
        comment="Who is given the questions of a batch. Of a batch without rows: whoever is free.",
    )
