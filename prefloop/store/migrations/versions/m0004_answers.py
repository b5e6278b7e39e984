"""Owners read what labelers wrote: notes of quality checks, questions on hold, adjudications."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PAGE = 1000


def upgrade() -> None:
    """Add the tables, and the notes that until now stood in the ledger alone."""
    _create_holds()
    _create_adjudications()
    _create_indexes()
    with op.batch_alter_table("quality_checks", recreate="never") as table:
        table.add_column(_text("note", server_default=""))
        table.add_column(
            sa.Column("details", sa.Text, comment="JSON: what the label type adds; null: nothing")
        )
    _fill_notes()


def _create_holds() -> None:
    op.create_table(
        "holds",
        _event(),
        _comparison(),
        _text("answer_id", comment="the flag that brought it"),
        _text("held_by"),
        _text("reason"),
        sa.Column("held_at", sa.Double, nullable=False),
        sa.Column("released_by", sa.Text),
        sa.Column("released_at", sa.Double),
        _ended_by("null: in force"),
        comment="Questions that are handed to nobody until an owner has looked at them.",
    )
    _unique_in_force("holds")


def _create_adjudications() -> None:
    op.create_table(
        "adjudications",
        _event(),
        _text("id", unique=True),
        _comparison(),
        _text("answer"),
        sa.Column("chosen", sa.Text),
        _text("reason"),
        _text("instructions"),
        _text("decided_by"),
        sa.Column("decided_at", sa.Double, nullable=False),
        _ended_by("the event that replaced or withdrew this verdict; null: it holds"),
        sa.ForeignKeyConstraint(
            ["comparison_id", "chosen"],
            ["comparison_samples.comparison_id", "comparison_samples.sample_id"],
        ),
        comment="Owners' verdicts on questions: training reads them in place of the labels.",
    )
    _unique_in_force("adjudications")


def _create_indexes() -> None:
    op.create_index("ix_labels_instructions_sequence", "labels", ["instructions", "sequence"])
    op.create_index("ix_quality_checks_comparison_id", "quality_checks", ["comparison_id"])
    for name, is_one in (("flags", "answer = 'flag'"), ("notes", "note <> ''")):
        condition = sa.text(f"{is_one} AND ended_by IS NULL")
        op.create_index(
            f"ix_labels_{name}",
            "labels",
            ["sequence"],
            sqlite_where=condition,
            postgresql_where=condition,
        )


def _fill_notes() -> None:
    """Copy notes and details of quality checks from the events that brought them."""
    connection = op.get_bind()
    query = sa.text(
        "SELECT sequence, payload FROM events WHERE kind = 'check' AND sequence > :after "
        "ORDER BY sequence LIMIT :n"
    )
    change = sa.text(
        "UPDATE quality_checks SET note = :note, details = :details WHERE sequence = :sequence"
    )
    after = 0
    while page := connection.execute(query, {"after": after, "n": PAGE}).all():
        rows = [_written(row.sequence, json.loads(row.payload)) for row in page]
        written = [row for row in rows if row["note"] or row["details"]]
        if written:
            connection.execute(change, written)
        after = page[-1].sequence


def _written(sequence: int, content: dict[str, Any]) -> dict[str, Any]:
    details = content.get("details")
    return {
        "sequence": sequence,
        "note": content.get("note", ""),
        "details": json.dumps(details, sort_keys=True) if details else None,
    }


def _unique_in_force(table: str) -> None:
    condition = sa.text("ended_by IS NULL")
    op.create_index(
        f"uq_{table}_in_force",
        table,
        ["comparison_id"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _event() -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("sequence", sa.Integer, target, primary_key=True, autoincrement=False)


def _comparison() -> sa.Column[str]:
    return sa.Column("comparison_id", sa.Text, sa.ForeignKey("comparisons.id"), nullable=False)


def _ended_by(comment: str) -> sa.Column[int]:
    target = sa.ForeignKey("events.sequence")
    return sa.Column("ended_by", sa.Integer, target, comment=comment)
