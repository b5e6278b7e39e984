"""Verdicts are keyed by model names, scores are kept, and tables have the field's names.

The ledger stays as it is: kinds and payloads of its events never change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD = "verdicts_of_0002"


def upgrade() -> None:
    """Move every verdict to the names of its models, create `scores`, rename the others."""
    op.execute(f"CREATE TABLE {OLD} AS SELECT * FROM verdicts")
    op.drop_table("verdicts")
    _create_verdicts()
    _copy_verdicts()
    op.drop_table(OLD)
    _create_scores()
    _add_label_types()
    _rename_columns()
    _rename_views()
    _rename_checks()
    _rename_rules()
    _rename_cords()


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("number", sa.Integer, primary_key=True),
        _text("id", unique=True),
        sa.Column("prompt_id", sa.Text, sa.ForeignKey("prompts.id"), nullable=False, index=True),
        _text("model"),
        _text("baseline"),
        sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("baseline_sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
        _text("judge"),
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


def _add_label_types() -> None:
    """Stored comparisons ask for the best of their samples, and their labels have no details."""
    op.add_column(
        "comparisons",
        sa.Column("label_type", sa.Text, comment="null: the best of its samples"),
    )
    op.add_column(
        "labels",
        sa.Column("details", sa.Text, comment="JSON: what the label type adds; null: nothing"),
    )


def _rename_columns() -> None:
    op.execute("ALTER TABLE people RENAME COLUMN introduction TO qualification")
    op.execute("ALTER TABLE queue RENAME COLUMN place TO position")
    op.execute("ALTER TABLE trainer RENAME COLUMN beat_at TO heartbeat_at")


def _rename_views() -> None:
    """A rename in place: this table has a row for each answer that anybody gave."""
    for name in ("labeler_closed_at", "closed_at", "leased", "checks"):
        op.drop_index(f"ix_views_{name}", "views")
    op.rename_table("views", "assignments")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE assignments RENAME CONSTRAINT pk_views TO pk_assignments")
        op.execute(
            "ALTER TABLE assignments RENAME CONSTRAINT fk_views_comparison_id "
            "TO fk_assignments_comparison_id"
        )
    for old, new in (("work", "regular"), ("repeat", "retest")):
        op.execute(f"UPDATE assignments SET kind = '{new}' WHERE kind = '{old}'")
    op.create_index("ix_assignments_labeler_closed_at", "assignments", ["labeler", "closed_at"])
    op.create_index("ix_assignments_closed_at", "assignments", ["closed_at"])
    _create_partial_index("leased", "comparison_id", "closed_at IS NULL")
    _create_partial_index("quality_checks", "answer_id", "kind != 'regular'")


def _create_partial_index(name: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(
        f"ix_assignments_{name}",
        "assignments",
        [column],
        sqlite_where=where,
        postgresql_where=where,
    )


def _rename_checks() -> None:
    columns = (
        *("sequence", "id", "comparison_id", "labeler", "kind", "answer", "chosen", "shown"),
        *("seconds", "instructions", "is_right", "ended_by"),
    )
    op.create_table(
        "quality_checks",
        _event(),
        _text("id", unique=True),
        sa.Column("comparison_id", sa.Text, sa.ForeignKey("comparisons.id"), nullable=False),
        _text("labeler"),
        _text("kind"),
        _text("answer"),
        sa.Column("chosen", sa.Text),
        _text("shown", comment="JSON list"),
        sa.Column("seconds", sa.Double),
        _text("instructions"),
        sa.Column("is_right", sa.Boolean, comment="null: skipped or flagged"),
        _ended_by("the event that replaced or withdrew this quality check; null: it counts"),
        sa.ForeignKeyConstraint(
            ["comparison_id", "chosen"],
            ["comparison_samples.comparison_id", "comparison_samples.sample_id"],
        ),
    )
    _move("checks", "quality_checks", columns)
    op.execute("UPDATE quality_checks SET kind = 'retest' WHERE kind = 'repeat'")
    name = "ix_quality_checks_labeler_comparison_id"
    op.create_index(name, "quality_checks", ["labeler", "comparison_id"])


def _rename_rules() -> None:
    op.create_table(
        "exclusions",
        _event(),
        _text("id", unique=True),
        _text("name"),
        _text("labeler", index=True),
        _text("reason"),
        _text("applied_by"),
        sa.Column("applied_at", sa.Double, nullable=False),
        sa.Column("undone_by", sa.Text),
        sa.Column("undone_at", sa.Double),
        _ended_by("null: in force"),
    )
    columns = ("sequence", "id", "name", "labeler", "reason", "applied_by", "applied_at")
    _move("rules", "exclusions", (*columns, "undone_by", "undone_at", "ended_by"))


def _rename_cords() -> None:
    op.create_table(
        "stop_requests",
        _event(),
        _text("id", unique=True),
        _text("pulled_by"),
        _text("reason"),
        _text("samples", comment="JSON list of sample ids"),
        sa.Column("pulled_at", sa.Double, nullable=False),
        sa.Column("stopped_at", sa.Double),
        sa.Column("update", sa.Integer),
        sa.Column("released_at", sa.Double),
        sa.Column("released_by", sa.Text),
        _text("checked", server_default=""),
        sa.Column("action", sa.Text),
        sa.Column("roll_back_to", sa.Integer),
    )
    columns = (
        *("sequence", "id", "pulled_by", "reason", "samples", "pulled_at", "stopped_at"),
        *('"update"', "released_at", "released_by", "checked", "action", "roll_back_to"),
    )
    _move("cords", "stop_requests", columns)


def _move(old: str, new: str, columns: tuple[str, ...]) -> None:
    """Move all rows: a rename would keep the names of constraints, which SQLite cannot change."""
    names = ", ".join(columns)
    op.execute(f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}")
    op.drop_table(old)


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _event() -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("sequence", sa.Integer, target, primary_key=True, autoincrement=False)


def _ended_by(comment: str) -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("ended_by", sa.Integer, target, comment=comment)
