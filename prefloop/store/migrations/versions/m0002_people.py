"""People, their work, gold, cords, and the line between trainer and page."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of people and their work."""
    _create_people()
    _create_access()
    _create_instructions()
    _create_queue()
    _create_views()
    _create_gold()
    _create_checks()
    _create_decisions()
    _create_progress()
    op.create_index("ix_labels_labeler_sequence", "labels", ["labeler", "sequence"])


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


def _person() -> sa.Column[str]:
    return sa.Column("person_id", sa.Text, sa.ForeignKey("people.id"), nullable=False, index=True)


def _comparison(*, is_key: bool = False) -> sa.Column[str]:
    target = sa.ForeignKey("comparisons.id")
    return sa.Column("comparison_id", sa.Text, target, nullable=False, primary_key=is_key)


def _event() -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("sequence", sa.Integer, target, primary_key=True, autoincrement=False)


def _ended_by(comment: str) -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("ended_by", sa.Integer, target, comment=comment)


def _chosen_is_shown() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["comparison_id", "chosen"],
        ["comparison_samples.comparison_id", "comparison_samples.sample_id"],
    )


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("number", sa.Integer, primary_key=True),
        _text("id", unique=True),
        _text("name", unique=True),
        _text("role"),
        sa.Column("password_hash", sa.Text, comment="argon2id; null: logs in by code only"),
        _time("created_at"),
        sa.Column("disabled_at", sa.Double),
        sa.Column("read_instructions", sa.Text, comment="the newest version that was acknowledged"),
        sa.Column("introduction", sa.Text, comment="passed (or let through), failed; null: open"),
        sa.CheckConstraint("role IN ('owner', 'labeler', 'viewer')", name="role_is_known"),
    )


def _create_access() -> None:
    op.create_table(
        "invites",
        sa.Column("code_hash", sa.Text, primary_key=True),
        _person(),
        _time("created_at"),
        _time("expires_at"),
        sa.Column("used_at", sa.Double),
    )
    op.create_table(
        "sessions",
        sa.Column("secret_hash", sa.Text, primary_key=True),
        _person(),
        _text("csrf"),
        _time("created_at"),
        _time("seen_at"),
        _time("expires_at"),
        sa.Column("ended_at", sa.Double),
    )
    op.create_table(
        "api_tokens",
        sa.Column("secret_hash", sa.Text, primary_key=True),
        _text("id", unique=True),
        _person(),
        _text("name"),
        _time("created_at"),
        sa.Column("revoked_at", sa.Double),
    )


def _create_instructions() -> None:
    op.create_table(
        "instructions",
        sa.Column("number", sa.Integer, primary_key=True),
        _text("version", unique=True),
        _text("question"),
        _text("text"),
        sa.Column("is_major", sa.Boolean, nullable=False),
        _time("created_at"),
        _text("created_by"),
    )


def _create_queue() -> None:
    op.create_table(
        "batches",
        sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
        _time("opened_at"),
        sa.Column("frozen_at", sa.Double),
        sa.Column("frozen_sequence", sa.Integer, comment="the last event the round may know"),
    )
    op.create_table(
        "queue",
        _comparison(is_key=True),
        sa.Column("round", sa.Integer, sa.ForeignKey("batches.round"), nullable=False, index=True),
        sa.Column("place", sa.Integer, nullable=False, comment="random: where a search may begin"),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("answered", sa.Integer, nullable=False, comment="live labels with a preference"),
        sa.Column(
            "is_open", sa.Boolean, nullable=False, comment="answered < wanted, batch not frozen"
        ),
    )
    op.create_index(
        "ix_queue_open",
        "queue",
        ["place"],
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )


def _create_views() -> None:
    op.create_table(
        "views",
        sa.Column("id", sa.Text, primary_key=True),
        _comparison(),
        _text("labeler"),
        _text("kind"),
        _text("shown", comment="JSON list of sample ids"),
        _time("handed_at"),
        sa.Column(
            "leased_at", sa.Double, nullable=False, comment="moves when the lease is renewed"
        ),
        _time("leased_until"),
        sa.Column("closed_at", sa.Double, comment="answered or given back"),
        sa.Column(
            "answer_id", sa.Text, comment="the label's or check's id; null: none, or given back"
        ),
        sa.Column("active_seconds", sa.Double),
        sa.Column("first_key_seconds", sa.Double),
        _text("device", server_default=""),
        sa.Column(
            "is_tallied",
            sa.Boolean,
            nullable=False,
            server_default=sa.false(),
            comment="answered before: not counted again when an answer was taken back",
        ),
    )
    _index_views()


def _index_views() -> None:
    op.create_index("ix_views_labeler_closed_at", "views", ["labeler", "closed_at"])
    op.create_index("ix_views_closed_at", "views", ["closed_at"])
    is_leased = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_views_leased",
        "views",
        ["comparison_id"],
        sqlite_where=is_leased,
        postgresql_where=is_leased,
    )
    is_check = sa.text("kind != 'work'")
    op.create_index(
        "ix_views_checks",
        "views",
        ["answer_id"],
        sqlite_where=is_check,
        postgresql_where=is_check,
    )


def _create_gold() -> None:
    op.create_table(
        "gold",
        _event(),
        _comparison(),
        _text("chosen"),
        _text("explanation"),
        sa.Column("is_training", sa.Boolean, nullable=False),
        _text("created_by"),
        _ended_by("null: in use"),
        _chosen_is_shown(),
    )
    is_in_use = sa.text("ended_by IS NULL")
    op.create_index(
        "uq_gold_in_use",
        "gold",
        ["comparison_id"],
        unique=True,
        sqlite_where=is_in_use,
        postgresql_where=is_in_use,
    )


def _create_checks() -> None:
    op.create_table(
        "checks",
        _event(),
        _text("id", unique=True),
        _comparison(),
        _text("labeler"),
        _text("kind"),
        _text("answer"),
        sa.Column("chosen", sa.Text),
        _text("shown", comment="JSON list"),
        sa.Column("seconds", sa.Double),
        _text("instructions"),
        sa.Column("is_right", sa.Boolean, comment="null: skipped or flagged"),
        _ended_by("the event that replaced or withdrew this check; null: it counts"),
        _chosen_is_shown(),
    )
    op.create_index("ix_checks_labeler_comparison_id", "checks", ["labeler", "comparison_id"])


def _create_decisions() -> None:
    op.create_table(
        "rules",
        _event(),
        _text("id", unique=True),
        _text("name"),
        _text("labeler", index=True),
        _text("reason"),
        _text("applied_by"),
        _time("applied_at"),
        sa.Column("undone_by", sa.Text),
        sa.Column("undone_at", sa.Double),
        _ended_by("null: in force"),
    )
    op.create_table(
        "cords",
        _event(),
        _text("id", unique=True),
        _text("pulled_by"),
        _text("reason"),
        _text("samples", comment="JSON list of sample ids"),
        _time("pulled_at"),
        sa.Column("stopped_at", sa.Double),
        sa.Column("update", sa.Integer),
        sa.Column("released_at", sa.Double),
        sa.Column("released_by", sa.Text),
        _text("checked", server_default=""),
        sa.Column("action", sa.Text),
        sa.Column("roll_back_to", sa.Integer),
    )


def _create_progress() -> None:
    op.create_table(
        "tallies",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("labeler", sa.Text, primary_key=True),
        sa.Column("instructions", sa.Text, primary_key=True),
        sa.Column("answer", sa.Text, primary_key=True),
        sa.Column("n", sa.Integer, nullable=False),
        _time("seconds"),
        comment="Answers given per hour: what the dashboard reads instead of every label.",
    )
    op.create_table(
        "updates",
        sa.Column("number", sa.Integer, primary_key=True),
        _text("stage"),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("update", sa.Integer, nullable=False),
        _time("created_at"),
        _text("line", comment="JSON"),
        _text("samples", comment="JSON"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_updates_stage_update", "updates", ["stage", "update"])
    op.create_table(
        "trainer",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _text("phase"),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        _text("detail"),
        _text("checkpoints", comment="JSON list of updates"),
        _time("beat_at"),
        _text("address"),
        comment="One row: what the trainer is doing, and where the labeling page is.",
    )
