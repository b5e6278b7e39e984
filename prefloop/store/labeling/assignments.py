"""Assignments: comparisons that were handed to a labeler, and whether they are leased."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.insertion import chunks, padded, rows_where
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.tables import comparison_samples, comparisons, prompts, samples
from prefloop.store.core.team_tables import assignments
from prefloop.teamwork import Assignment, ShownSample

CLOCK_SLACK_SECONDS = 60.0
"""A lease that begins later than this from now was made before the clock was set back: ended."""


def is_leased(now: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    """Return the condition that an assignment's comparison is reserved now."""
    return sa.and_(
        assignments.c.closed_at.is_(None),
        assignments.c.leased_at <= now + CLOCK_SLACK_SECONDS,
        assignments.c.leased_until > now,
    )


@dataclass
class StoredQuestion:
    """The texts of a comparison, its samples in the order of the comparison."""

    prompt: str
    label_type: str | None
    texts: dict[str, str] = field(default_factory=dict)
    """By sample id."""


# Built once: building a query takes longer than running it.
_QUESTIONS = (
    sa.select(
        comparison_samples.c.comparison_id,
        comparison_samples.c.sample_id,
        samples.c.text.label("sample"),
        prompts.c.text.label("prompt"),
        comparisons.c.label_type,
    )
    .join(samples, samples.c.id == comparison_samples.c.sample_id)
    .join(comparisons, comparisons.c.id == comparison_samples.c.comparison_id)
    .join(prompts, prompts.c.id == comparisons.c.prompt_id)
    .where(comparison_samples.c.comparison_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(comparison_samples.c.comparison_id, comparison_samples.c.position)
)


def questions(connection: Connection, comparison_ids: Iterable[str]) -> dict[str, StoredQuestion]:
    """Return the texts of comparisons, by comparison id."""
    found: dict[str, StoredQuestion] = {}
    for chunk in chunks(comparison_ids):
        for comparison_id, sample_id, sample, *question in connection.execute(
            _QUESTIONS, {"ids": padded(chunk)}
        ):
            found.setdefault(comparison_id, StoredQuestion(*question)).texts[sample_id] = sample
    return found


def assignment_record(row: RowMapping, question: StoredQuestion) -> Assignment:
    """Return the assignment in a row, with its texts."""
    return Assignment(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["labeler"],
        kind=row["kind"],
        prompt=question.prompt,
        samples=tuple(
            ShownSample(id=sample_id, text=question.texts[sample_id])
            for sample_id in json.loads(row["shown"])
        ),
        label_type=question.label_type,
        leased_at=row["leased_at"],
        leased_until=row["leased_until"],
    )


def assignment_records(connection: Connection, rows: Sequence[RowMapping]) -> list[Assignment]:
    """Return the assignments in rows, with their texts."""
    asked = questions(connection, (row["comparison_id"] for row in rows))
    return [assignment_record(row, asked[row["comparison_id"]]) for row in rows]


def find_assignment(connection: Connection, assignment_id: str) -> Assignment | None:
    """Return the assignment with this id."""
    found = assignment_records(
        connection, rows_where(connection, assignments, "id", [assignment_id])
    )
    return found[0] if found else None
