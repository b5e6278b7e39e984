"""The tables as they are today; `migrations/` is how a database gets there.

Everything here means the same in SQLite and in PostgreSQL. `number` is the order of insertion.

A comparison's samples are rows of `comparison_samples`, not a JSON list, so that the database
itself refuses a question about a sample that does not exist, and an answer that chooses a sample
from another question: `labels (comparison_id, chosen)` points at `comparison_samples`.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer, primary_key=True)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, nullable=False, unique=True)


def _reference(name: str, target: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey(target), nullable=False, index=True)


prompts = sa.Table(
    "prompts",
    metadata,
    _number(),
    _id(),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("split", sa.Text, nullable=False),
    sa.Column("reference", sa.Text),
)

samples = sa.Table(
    "samples",
    metadata,
    _number(),
    _id(),
    _reference("prompt_id", "prompts.id"),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("response_ids", sa.Text, nullable=False, comment="JSON list"),
    sa.Column("is_ended", sa.Boolean, nullable=False),
    sa.Column("logprob", sa.Double, comment="null: unknown, as for imported samples"),
    sa.Column("ref_logprob", sa.Double, comment="null: unknown"),
    sa.Index(None, "round", "purpose"),
)

comparisons = sa.Table(
    "comparisons",
    metadata,
    _number(),
    _id(),
    _reference("prompt_id", "prompts.id"),
    sa.Column("round", sa.Integer, nullable=False, index=True),
    sa.Column("split", sa.Text, nullable=False),
    sa.Column("selection_probability", sa.Double, nullable=False),
    sa.Column("label_type", sa.Text, comment="null: the best of its samples"),
)

comparison_samples = sa.Table(
    "comparison_samples",
    metadata,
    sa.Column("comparison_id", sa.Text, sa.ForeignKey("comparisons.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    _reference("sample_id", "samples.id"),
    sa.UniqueConstraint("comparison_id", "sample_id"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON with sorted keys"),
    sa.Column("created_at", sa.Text, nullable=False, comment="UTC, ISO 8601"),
    sa.Column("hash", sa.Text, nullable=False),
)

ledger_head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    comment="One row: the last event. Shows a ledger that was cut off at the end.",
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column(
        "sequence",
        sa.Integer,
        sa.ForeignKey("events.sequence"),
        primary_key=True,
        autoincrement=False,
        comment="the event that brought this label",
    ),
    _id(),
    _reference("comparison_id", "comparisons.id"),
    sa.Column("labeler", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("chosen", sa.Text),
    sa.Column("shown", sa.Text, nullable=False, comment="JSON list"),
    sa.Column("seconds", sa.Double, comment="null: unknown, as for imported labels"),
    sa.Column("instructions", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("confidence", sa.Double),
    sa.Column("details", sa.Text, comment="JSON: what the label type adds; null: nothing"),
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
    sa.Index(None, "labeler", "sequence"),
    sa.Index(None, "instructions", "sequence"),
)

one_live_label = sa.Index(
    "uq_labels_live",
    labels.c.comparison_id,
    labels.c.labeler,
    unique=True,
    sqlite_where=labels.c.ended_by.is_(None),
    postgresql_where=labels.c.ended_by.is_(None),
)

live_flags = sa.Index(
    "ix_labels_flags",
    labels.c.sequence,
    sqlite_where=sa.text("answer = 'flag' AND ended_by IS NULL"),
    postgresql_where=sa.text("answer = 'flag' AND ended_by IS NULL"),
)

live_notes = sa.Index(
    "ix_labels_notes",
    labels.c.sequence,
    sqlite_where=sa.text("note <> '' AND ended_by IS NULL"),
    postgresql_where=sa.text("note <> '' AND ended_by IS NULL"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    _number(),
    _id(),
    _reference("prompt_id", "prompts.id"),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("baseline", sa.Text, nullable=False),
    sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
    sa.Column("baseline_sample_id", sa.Text, sa.ForeignKey("samples.id"), nullable=False),
    sa.Column("judge", sa.Text, nullable=False),
    sa.Column("outcome", sa.Double, nullable=False),
    sa.Column("score", sa.Double, comment="null: the judge gives no scores"),
    sa.Column("baseline_score", sa.Double, comment="null: the judge gives no scores"),
    sa.Index(None, "model", "baseline", "judge"),
)

scores = sa.Table(
    "scores",
    metadata,
    sa.Column("scorer", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.id"), primary_key=True),
    sa.Column("score", sa.Double, nullable=False),
    comment="What scorers gave to samples. They can be computed again: no event brings them.",
)
