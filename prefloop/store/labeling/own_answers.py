"""A labeler's own answers, in which gold and retest questions look like regular ones."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks, padded, rows_where
from prefloop.store.core.rows import RowMapping, label_record
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import assignments, batches, quality_checks, queue
from prefloop.store.labeling.assignments import assignment_records
from prefloop.store.labeling.batches import newest_batch
from prefloop.store.labeling.free_questions import (
    IS_FREE,
    IS_NOT_CLOSED,
    IS_OF_A_FROZEN_BATCH,
)
from prefloop.store.labeling.shares import closed_rounds
from prefloop.teamwork import Assignment

MOST_LEFT = 10_000
"""Comparisons left are counted up to this."""

LEFT_STEP = 10

LOOKS_REGULAR = ("regular", "gold", "retest")


class OwnAnswers:
    """A labeler's own answers and progress."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, labeler: str, limit: int = 50) -> list[tuple[Assignment, Label]]:
        """Return a labeler's latest live answers, newest first.

        Answers to silent gold and retest questions are among them, as labels like any other.
        """
        with self._database.reading() as connection:
            return _latest(connection, labeler, limit)

    def can_edit(self, answer_ids: Iterable[str]) -> set[str]:
        """Return the ids of the answers that their labelers may still change or withdraw."""
        with self._database.reading() as connection:
            return open_for_change(connection, answer_ids)

    def progress(self, labeler: str) -> dict[str, Any]:
        """Return the number `answered` by a labeler, the number `left`, and the newest `batch`.

        `left` is counted up to MOST_LEFT and rounded up to tens.
        """
        with self._database.reading() as connection:
            return {
                "answered": n_answered(connection, labeler),
                "left": n_left(connection, labeler),
                "batch": newest_batch(connection),
            }


def _latest(connection: Connection, labeler: str, limit: int) -> list[tuple[Assignment, Label]]:
    query = sa.select(assignments).where(
        assignments.c.labeler == labeler,
        assignments.c.closed_at.is_not(None),
        assignments.c.answer_id.is_not(None),
        assignments.c.kind.in_(LOOKS_REGULAR),
    )
    query = query.order_by(assignments.c.closed_at.desc(), assignments.c.leased_at.desc()).limit(
        limit
    )
    rows = connection.execute(query).mappings().all()
    answers = _answers(connection, [row["answer_id"] for row in rows])
    live = [row for row in rows if row["answer_id"] in answers]
    records = assignment_records(connection, live)
    return [
        (assignment, answers[row["answer_id"]])
        for assignment, row in zip(records, live, strict=True)
    ]


def open_for_change(connection: Connection, answer_ids: Iterable[str]) -> set[str]:
    """Return the ids of live answers whose batch is not frozen.

    A quality check has no batch: it can be changed until that of the regular ones around it is
    frozen.
    """
    found: set[str] = set()
    for chunk in chunks(answer_ids):
        query = sa.select(labels.c.id).outerjoin(
            queue, queue.c.comparison_id == labels.c.comparison_id
        )
        query = query.outerjoin(batches, batches.c.round == queue.c.round)
        query = query.where(labels.c.id.in_(padded(chunk)), labels.c.ended_by.is_(None))
        found.update(connection.execute(query.where(batches.c.frozen_at.is_(None))).scalars())
        query = sa.select(quality_checks.c.id).where(
            quality_checks.c.id.in_(padded(chunk)),
            quality_checks.c.ended_by.is_(None),
            quality_checks.c.kind != "training",
            assignments.c.kind != "regular",
            assignments.c.answer_id == quality_checks.c.id,
            ~IS_OF_A_FROZEN_BATCH,
        )
        found.update(connection.execute(query).scalars())
    return found


def n_answered(connection: Connection, labeler: str) -> int:
    """Return the number of answers of a labeler, without training."""
    query = sa.select(sa.func.count()).select_from(assignments)
    query = query.where(
        assignments.c.labeler == labeler,
        assignments.c.closed_at.is_not(None),
        assignments.c.answer_id.is_not(None),
        assignments.c.kind.in_(LOOKS_REGULAR),
    )
    return connection.execute(query).scalar_one()


def n_left(connection: Connection, labeler: str) -> int:
    """Return the number of comparisons free for a labeler, counted up to MOST_LEFT.

    Rounded up to tens: an exact count would reveal gold questions, which do not change it.
    """
    free = sa.select(queue.c.comparison_id).where(IS_FREE, IS_NOT_CLOSED)
    free_ones = free.limit(MOST_LEFT).subquery()
    now = clock.now(connection)
    terms = {"me": labeler, "now": now, "closed": closed_rounds(connection, labeler, now=now)}
    n = connection.execute(sa.select(sa.func.count()).select_from(free_ones), terms).scalar_one()
    return math.ceil(n / LEFT_STEP) * LEFT_STEP


def _answers(connection: Connection, ids: Sequence[str]) -> dict[str, Label]:
    rows = [row for row in rows_where(connection, labels, "id", ids) if row["ended_by"] is None]
    found = {row["id"]: label_record(row) for row in rows}
    for chunk in chunks(i for i in ids if i not in found):
        query = sa.select(quality_checks, events.c.payload)
        query = query.join(events, events.c.sequence == quality_checks.c.sequence)
        query = query.where(
            quality_checks.c.id.in_(padded(chunk)), quality_checks.c.ended_by.is_(None)
        )
        rows_of_checks = connection.execute(query).mappings()
        found |= {row["id"]: _as_label(row) for row in rows_of_checks}
    return found


def _as_label(row: RowMapping) -> Label:
    """A quality check as a label, with the note and confidence that only the ledger has."""
    content = json.loads(row["payload"])
    return Label(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["labeler"],
        answer=row["answer"],
        chosen=row["chosen"],
        shown=tuple(json.loads(row["shown"])),
        seconds=math.nan if row["seconds"] is None else row["seconds"],
        instructions=row["instructions"],
        note=content["note"],
        confidence=content["confidence"],
        details=content.get("details", {}),
    )
