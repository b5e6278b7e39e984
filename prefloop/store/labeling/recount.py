"""Recounting the answers to the queue's comparisons.

`answered` and `is_open` are functions of the live labels and of what was asked for. They are
computed from those alone, never counted up and down, so they cannot drift from the ledger. What is
on hold, or decided by an owner, is closed. Answers of excluded labelers are not counted: the reward
model does not use them.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.label_types.answers import PREFERENCES
from prefloop.store.core.insertion import chunks, padded
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import adjudications, batches, exclusions, holds, queue

FLAGS_TO_CLOSE = 2
"""Flags by so many labelers close a comparison."""

EXCLUDED = sa.select(exclusions.c.labeler).where(exclusions.c.ended_by.is_(None))
"""The labelers who are excluded now."""

ON_HOLD = sa.select(holds.c.comparison_id).where(holds.c.ended_by.is_(None))
"""The questions that are handed to nobody now."""

ADJUDICATED = sa.select(adjudications.c.comparison_id).where(adjudications.c.ended_by.is_(None))
"""The questions on which an owner has decided: further answers would be read by nobody."""

_ASKED = queue.alias("asked")
_COUNTS = (
    sa.select(
        _ASKED.c.comparison_id,
        sa.func.count(sa.case((labels.c.answer.in_(PREFERENCES), 1))).label("answered"),
        sa.func.count(sa.case((labels.c.answer == "flag", 1))).label("flags"),
        sa.func.count(batches.c.frozen_at).label("frozen"),
    )
    .select_from(_ASKED)
    .join(batches, batches.c.round == _ASKED.c.round)
    .outerjoin(
        labels,
        sa.and_(
            labels.c.comparison_id == _ASKED.c.comparison_id,
            labels.c.ended_by.is_(None),
            labels.c.labeler.not_in(EXCLUDED),
        ),
    )
    .group_by(_ASKED.c.comparison_id)
)


def recount(connection: Connection, comparison_ids: Iterable[str]) -> None:
    """Recount the answers to these comparisons, as far as they are in the queue."""
    for chunk in chunks(comparison_ids):
        connection.execute(_RECOUNT_SOME, {"ids": padded(chunk)})


def recount_answered_by(connection: Connection, labeler: str) -> None:
    """Recount what a labeler has answered in open batches, after an exclusion of theirs changed.

    A frozen batch keeps its count: its reward model was trained on that many.
    """
    asked = queue.join(batches, batches.c.round == queue.c.round)
    query = (
        sa.select(queue.c.comparison_id)
        .select_from(asked.join(labels, labels.c.comparison_id == queue.c.comparison_id))
        .where(
            batches.c.frozen_at.is_(None),
            labels.c.labeler == labeler,
            labels.c.ended_by.is_(None),
        )
    )
    recount(connection, connection.execute(query).scalars().all())


def recount_all(connection: Connection) -> None:
    """Recount the whole queue."""
    connection.execute(_RECOUNT)


def _recounting(counted: sa.Select[tuple[str, int, int, int]]) -> sa.Update:
    counts = counted.subquery()
    is_open = sa.and_(
        queue.c.wanted > counts.c.answered,
        counts.c.flags < FLAGS_TO_CLOSE,
        counts.c.frozen == 0,
        queue.c.comparison_id.not_in(ON_HOLD),
        queue.c.comparison_id.not_in(ADJUDICATED),
    )
    query = sa.update(queue).where(queue.c.comparison_id == counts.c.comparison_id)
    return query.values(answered=counts.c.answered, is_open=is_open)


_RECOUNT = _recounting(_COUNTS)
_RECOUNT_SOME = _recounting(
    _COUNTS.where(_ASKED.c.comparison_id.in_(sa.bindparam("ids", expanding=True)))
)
