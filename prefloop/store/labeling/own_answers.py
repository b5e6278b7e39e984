"""What a labeler sees of their own answers, where gold and repeats look like any other."""

import json
import math
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core import clock
from prefloop.store.core.insertion import chunks, rows_where
from prefloop.store.core.rows import Columns, label_record
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import batches, checks, queue, views
from prefloop.store.labeling.assignments import view_records
from prefloop.store.labeling.claims import IS_FREE, IS_OF_A_FROZEN_BATCH
from prefloop.teamwork import Assignment

MOST_LEFT = 10_000
"""Nobody needs to know more exactly how much is left."""

LEFT_STEP = 10

LOOKS_LIKE_WORK = ("work", "gold", "repeat")


def latest(connection: Connection, labeler: str, limit: int) -> list[tuple[Assignment, Label]]:
    """Return a labeler's latest answers that still stand, newest first."""
    query = sa.select(views).where(
        views.c.labeler == labeler,
        views.c.closed_at.is_not(None),
        views.c.answer_id.is_not(None),
        views.c.kind.in_(LOOKS_LIKE_WORK),
    )
    query = query.order_by(views.c.closed_at.desc(), views.c.leased_at.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    answers = _answers(connection, [row["answer_id"] for row in rows])
    standing = [row for row in rows if row["answer_id"] in answers]
    records = view_records(connection, standing)
    return [(view, answers[row["answer_id"]]) for view, row in zip(records, standing, strict=True)]


def open_for_change(connection: Connection, answer_ids: Iterable[str]) -> set[str]:
    """Return the ids of live answers whose batch is not frozen.

    A check has no batch: it can be changed until that of the work around it is frozen.
    """
    found: set[str] = set()
    for chunk in chunks(answer_ids):
        query = sa.select(labels.c.id).outerjoin(
            queue, queue.c.comparison_id == labels.c.comparison_id
        )
        query = query.outerjoin(batches, batches.c.round == queue.c.round)
        query = query.where(labels.c.id.in_(chunk), labels.c.ended_by.is_(None))
        found.update(connection.execute(query.where(batches.c.frozen_at.is_(None))).scalars())
        query = sa.select(checks.c.id).where(
            checks.c.id.in_(chunk),
            checks.c.ended_by.is_(None),
            checks.c.kind != "training",
            views.c.kind != "work",
            views.c.answer_id == checks.c.id,
            ~IS_OF_A_FROZEN_BATCH,
        )
        found.update(connection.execute(query).scalars())
    return found


def n_answered(connection: Connection, labeler: str) -> int:
    """Return how many answers a labeler gave, training left out."""
    query = sa.select(sa.func.count()).select_from(views)
    query = query.where(
        views.c.labeler == labeler,
        views.c.closed_at.is_not(None),
        views.c.answer_id.is_not(None),
        views.c.kind.in_(LOOKS_LIKE_WORK),
    )
    return connection.execute(query).scalar_one()


def n_left(connection: Connection, labeler: str) -> int:
    """Return how many questions are free for a labeler, counted up to MOST_LEFT.

    Rounded up to tens: whoever saw each question leave the count would see which do not, the gold.
    """
    free = sa.select(queue.c.comparison_id).where(IS_FREE).limit(MOST_LEFT).subquery()
    terms = {"me": labeler, "now": clock.now(connection)}
    n = connection.execute(sa.select(sa.func.count()).select_from(free), terms).scalar_one()
    return math.ceil(n / LEFT_STEP) * LEFT_STEP


def _answers(connection: Connection, ids: Sequence[str]) -> dict[str, Label]:
    rows = [row for row in rows_where(connection, labels, "id", ids) if row["ended_by"] is None]
    found = {row["id"]: label_record(row) for row in rows}
    for chunk in chunks(i for i in ids if i not in found):
        query = sa.select(checks, events.c.payload)
        query = query.join(events, events.c.sequence == checks.c.sequence)
        query = query.where(checks.c.id.in_(chunk), checks.c.ended_by.is_(None))
        rows_of_checks = connection.execute(query).mappings()
        found |= {row["id"]: _as_label(row) for row in rows_of_checks}
    return found


def _as_label(row: Columns) -> Label:
    """A check as the label that its labeler gave: with what only the ledger keeps."""
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
    )
