"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GENESIS = "0" * 64


def upgrade() -> None:
    """Create every table of the first schema."""
    _create_texts()
    _create_comparisons()
    _create_ledger()
    _create_labels()
    _create_verdicts()


def _create_texts() -> None:
    op.create_table(
        "prompts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
    )
    op.create_table(
        "samples",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("response_ids", sa.Text, nullable=False, comment="JSON list"),
        sa.Column("is_ended", sa.Boolean, nullable=False),
        sa.Column("logprob", sa.Double, comment="null: unknown, as for imported samples"),
        sa.Column("ref_logprob", sa.Double, comment="null: unknown"),
    )
    op.create_index("ix_samples_round_purpose", "samples", ["round", "purpose"])


def _create_comparisons() -> None:
    op.create_table(
        "comparisons",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        sa.Column("round", sa.Integer, nullable=False, index=True),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("selection_probability", sa.Double, nullable=False),
    )
    op.create_table(
        "comparison_samples",
        sa.Column("comparison_id", sa.Text, sa.ForeignKey("comparisons.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False, index=True),
        sa.UniqueConstraint("comparison_id", "sample_id"),
    )


def _create_ledger() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False, comment="JSON with sorted keys"),
        sa.Column("created_at", sa.Text, nullable=False, comment="UTC, ISO 8601"),
        sa.Column("hash", sa.Text, nullable=False),
    )
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        comment="One row: the last event. Shows a ledger that was cut off at the end.",
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": GENESIS}])


def _create_labels() -> None:
    op.create_table(
        "labels",
        sa.Column(
            "sequence",
            sa.Integer,
            sa.ForeignKey("events.sequence"),
            primary_key=True,
            autoincrement=False,
            comment="the event that brought this label",
        ),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column(
            "comparison_id", sa.Text, sa.ForeignKey("comparisons.id"), nullable=False, index=True
        ),
        sa.Column("labeler", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("chosen", sa.Text),
        sa.Column("shown", sa.Text, nullable=False, comment="JSON list"),
        sa.Column("seconds", sa.Double, comment="null: unknown, as for imported labels"),
        sa.Column("instructions", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column(
            "ended_by",
            sa.Integer,
            sa.ForeignKey("events.sequence"),
            comment="the event that replaced or withdrew this label; null: it is live",
        ),
        sa.ForeignKeyConstraint(
            ["comparison_id", "chosen"],
            ["comparison_samples.comparison_id", "comparison_samples.sample_id"],
        ),
        sa.CheckConstraint("(answer = 'best') = (chosen IS NOT NULL)", name="best_has_chosen"),
    )
    is_live = sa.text("ended_by IS NULL")
    op.create_index(
        "uq_labels_live",
        "labels",
        ["comparison_id", "labeler"],
        unique=True,
        sqlite_where=is_live,
        postgresql_where=is_live,
    )


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        sa.Column("policy_sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("reference_sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("judge", sa.Text, nullable=False),
        sa.Column("outcome", sa.Double, nullable=False),
        sa.Column("policy_score", sa.Double, nullable=False),
        sa.Column("reference_score", sa.Double, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
    )
    op.create_index("ix_verdicts_round_judge", "verdicts", ["round", "judge"])
