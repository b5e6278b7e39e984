"""The tables of people and their work, and those through which trainer and page talk.

Labels and the ledger are in `tables.py`. Times are seconds since 1970, UTC, by the database's own
clock. What must never be lost (answers, quality checks, gold, exclusions, stop requests,
instructions) is an event of the ledger too; leases, sessions and the trainer's state are transient
and are not.
"""

import sqlalchemy as sa

from prefloop.store.core.progress_tables import tallies as tallies
from prefloop.store.core.progress_tables import trainer as trainer
from prefloop.store.core.progress_tables import updates as updates
from prefloop.store.core.tables import metadata


def _person() -> sa.Column[str]:
    return sa.Column("person_id", sa.Text, sa.ForeignKey("people.id"), nullable=False, index=True)


def _comparison(*, is_key: bool = False) -> sa.Column[str]:
    target = sa.ForeignKey("comparisons.id")
    return sa.Column("comparison_id", sa.Text, target, nullable=False, primary_key=is_key)


def _event() -> sa.Column[int]:
    """The event of the ledger that brought a row."""
    target = sa.ForeignKey("events.sequence")
    return sa.Column("sequence", sa.Integer, target, primary_key=True, autoincrement=False)


def _chosen_is_shown() -> sa.ForeignKeyConstraint:
    """No answer from another question, as for labels."""
    return sa.ForeignKeyConstraint(
        ["comparison_id", "chosen"],
        ["comparison_samples.comparison_id", "comparison_samples.sample_id"],
    )


people = sa.Table(
    "people",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, comment="argon2id; null: logs in by code only"),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("disabled_at", sa.Double),
    sa.Column("read_instructions", sa.Text, comment="the newest version that was acknowledged"),
    sa.Column("qualification", sa.Text, comment="passed (or let through), failed; null: open"),
    sa.CheckConstraint("role IN ('owner', 'labeler', 'viewer')", name="role_is_known"),
)

invites = sa.Table(
    "invites",
    metadata,
    sa.Column("code_hash", sa.Text, primary_key=True),
    _person(),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("used_at", sa.Double),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    _person(),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("secret_hash", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _person(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("revoked_at", sa.Double),
)

instructions = sa.Table(
    "instructions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("version", sa.Text, nullable=False, unique=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("is_major", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("round", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("opened_at", sa.Double, nullable=False),
    sa.Column("frozen_at", sa.Double),
    sa.Column("frozen_sequence", sa.Integer, comment="the last event the round may know"),
)

queue = sa.Table(
    "queue",
    metadata,
    _comparison(is_key=True),
    sa.Column("round", sa.Integer, sa.ForeignKey("batches.round"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="random: where a search may begin"),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("answered", sa.Integer, nullable=False, comment="live labels with a preference"),
    sa.Column("is_open", sa.Boolean, nullable=False, comment="answered < wanted, batch not frozen"),
)

open_questions = sa.Index(
    "ix_queue_open",
    queue.c.position,
    sqlite_where=queue.c.is_open,
    postgresql_where=queue.c.is_open,
)

batch_shares = sa.Table(
    "batch_shares",
    metadata,
    sa.Column("round", sa.Integer, sa.ForeignKey("batches.round"), primary_key=True),
    sa.Column("labeler", sa.Text, primary_key=True),
    sa.Column("share", sa.Double, comment="of the answers wanted; null: any number"),
    sa.Column("sequence", sa.Integer, sa.ForeignKey("events.sequence"), nullable=False),
    comment="Who is given the questions of a batch. Of a batch without rows: whoever is free.",
)

assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _comparison(),
    sa.Column("labeler", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False, comment="JSON list of sample ids"),
    sa.Column("handed_at", sa.Double, nullable=False),
    sa.Column("leased_at", sa.Double, nullable=False, comment="moves when the lease is renewed"),
    sa.Column("leased_until", sa.Double, nullable=False),
    sa.Column("closed_at", sa.Double, comment="answered or given back"),
    sa.Column("answer_id", sa.Text, comment="the label's or check's id; null: none, or given back"),
    sa.Column("active_seconds", sa.Double),
    sa.Column("first_key_seconds", sa.Double),
    sa.Column("device", sa.Text, nullable=False, server_default=""),
    sa.Column(
        "is_tallied",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="answered before: not counted again when an answer was taken back",
    ),
    sa.Column(
        "worked_seconds",
        sa.Double,
        comment="from hand-out, or the labeler's last answer, to the answer; at most the lease",
    ),
    sa.Column(
        "handed_after",
        sa.Integer,
        nullable=False,
        server_default=sa.text("0"),
        comment="the last event of the ledger when it was handed out",
    ),
    sa.Index(None, "labeler", "closed_at"),
    sa.Index(None, "closed_at"),
)

leased_assignments = sa.Index(
    "ix_assignments_leased",
    assignments.c.comparison_id,
    sqlite_where=assignments.c.closed_at.is_(None),
    postgresql_where=assignments.c.closed_at.is_(None),
)

_IS_GIVEN_BACK = sa.and_(assignments.c.closed_at.is_not(None), assignments.c.answer_id.is_(None))

given_back_assignments = sa.Index(
    "ix_assignments_given_back",
    assignments.c.labeler,
    assignments.c.comparison_id,
    sqlite_where=_IS_GIVEN_BACK,
    postgresql_where=_IS_GIVEN_BACK,
)

answered_quality_checks = sa.Index(
    "ix_assignments_quality_checks",
    assignments.c.answer_id,
    sqlite_where=assignments.c.kind != "regular",
    postgresql_where=assignments.c.kind != "regular",
)

gold = sa.Table(
    "gold",
    metadata,
    _event(),
    _comparison(),
    sa.Column("chosen", sa.Text, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.Column("is_training", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("ended_by", sa.Integer, sa.ForeignKey("events.sequence"), comment="null: in use"),
    _chosen_is_shown(),
)

one_gold_in_use = sa.Index(
    "uq_gold_in_use",
    gold.c.comparison_id,
    unique=True,
    sqlite_where=gold.c.ended_by.is_(None),
    postgresql_where=gold.c.ended_by.is_(None),
)

quality_checks = sa.Table(
    "quality_checks",
    metadata,
    _event(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _comparison(),
    sa.Column("labeler", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("chosen", sa.Text),
    sa.Column("shown", sa.Text, nullable=False, comment="JSON list"),
    sa.Column("seconds", sa.Double),
    sa.Column("instructions", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("details", sa.Text, comment="JSON: what the label type adds; null: nothing"),
    sa.Column("is_right", sa.Boolean, comment="null: skipped or flagged"),
    sa.Column(
        "ended_by",
        sa.Integer,
        sa.ForeignKey("events.sequence"),
        comment="the event that replaced or withdrew this quality check; null: it counts",
    ),
    _chosen_is_shown(),
    sa.Index(None, "labeler", "comparison_id"),
    sa.Index(None, "comparison_id"),
)

holds = sa.Table(
    "holds",
    metadata,
    _event(),
    _comparison(),
    sa.Column("answer_id", sa.Text, nullable=False, comment="the flag that brought it"),
    sa.Column("held_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("held_at", sa.Double, nullable=False),
    sa.Column("released_by", sa.Text),
    sa.Column("released_at", sa.Double),
    sa.Column("ended_by", sa.Integer, sa.ForeignKey("events.sequence"), comment="null: in force"),
    comment="Questions that are handed to nobody until an owner has looked at them.",
)

one_hold_in_force = sa.Index(
    "uq_holds_in_force",
    holds.c.comparison_id,
    unique=True,
    sqlite_where=holds.c.ended_by.is_(None),
    postgresql_where=holds.c.ended_by.is_(None),
)

adjudications = sa.Table(
    "adjudications",
    metadata,
    _event(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _comparison(),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("chosen", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("instructions", sa.Text, nullable=False),
    sa.Column("details", sa.Text, comment="what its label type wants besides, as JSON"),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Double, nullable=False),
    sa.Column(
        "ended_by",
        sa.Integer,
        sa.ForeignKey("events.sequence"),
        comment="the event that replaced or withdrew this verdict; null: it holds",
    ),
    _chosen_is_shown(),
    comment="Owners' verdicts on questions: training reads them in place of the labels.",
)

one_adjudication_in_force = sa.Index(
    "uq_adjudications_in_force",
    adjudications.c.comparison_id,
    unique=True,
    sqlite_where=adjudications.c.ended_by.is_(None),
    postgresql_where=adjudications.c.ended_by.is_(None),
)

exclusions = sa.Table(
    "exclusions",
    metadata,
    _event(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labeler", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("applied_by", sa.Text, nullable=False),
    sa.Column("applied_at", sa.Double, nullable=False),
    sa.Column("undone_by", sa.Text),
    sa.Column("undone_at", sa.Double),
    sa.Column("ended_by", sa.Integer, sa.ForeignKey("events.sequence"), comment="null: in force"),
)

stop_requests = sa.Table(
    "stop_requests",
    metadata,
    _event(),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("pulled_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("samples", sa.Text, nullable=False, comment="JSON list of sample ids"),
    sa.Column("pulled_at", sa.Double, nullable=False),
    sa.Column("stopped_at", sa.Double),
    sa.Column("update", sa.Integer),
    sa.Column("released_at", sa.Double),
    sa.Column("released_by", sa.Text),
    sa.Column("checked", sa.Text, nullable=False, server_default=""),
    sa.Column("action", sa.Text),
    sa.Column("roll_back_to", sa.Integer),
)
