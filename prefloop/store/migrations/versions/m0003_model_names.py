"""Verdicts are keyed by model names, and scores of samples are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD = "verdicts_of_0002"


def upgrade() -> None:
    """Move every verdict to the names of the models that it compares; create `scores`."""
    op.execute(f"CREATE TABLE {OLD} AS SELECT * FROM verdicts")
    op.drop_table("verdicts")
    _create_verdicts()
    _copy_verdicts()
    op.drop_table(OLD)
    _create_scores()


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("baseline_sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("judge", sa.Text, nullable=False),
        sa.Column("outcome", sa.Double, nullable=False),
        sa.Column("score", sa.Double, comment="null: the judge gives no scores"),
        sa.Column("baseline_score", sa.Double, comment="null: the judge gives no scores"),
    )
    op.create_index("ix_verdicts_model_baseline_judge", "verdicts", ["model", "baseline", "judge"])


def _copy_verdicts() -> None:
    """The names of the models are those under which their samples are stored."""
    op.execute(
        "INSERT INTO verdicts (number, id, prompt_id, model, baseline, sample_id, "
        "baseline_sample_id, judge, outcome, score, baseline_score) "
        "SELECT old.number, old.id, old.prompt_id, mine.model, theirs.model, "
        "old.policy_sample_id, old.reference_sample_id, old.judge, old.outcome, "
        f"old.policy_score, old.reference_score FROM {OLD} AS old "
        "JOIN samples AS mine ON mine.id = old.policy_sample_id "
        "JOIN samples AS theirs ON theirs.id = old.reference_sample_id "
        "ORDER BY old.number"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('verdicts', 'number'), max(number)) "
            "FROM verdicts HAVING max(number) IS NOT NULL"
        )


def _create_scores() -> None:
    op.create_table(
        "scores",
        sa.Column("scorer", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), primary_key=True),
        sa.Column("score", sa.Double, nullable=False),
        comment="What scorers gave to samples. They can be computed again: no event brings them.",
    )
