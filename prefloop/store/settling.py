"""The queue's counts, brought in line with the labels.

`answered` and `is_open` are functions of the live labels and of what was asked for. They are
computed from those alone, never counted up and down, so they cannot drift from the ledger.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.insertion import chunks
from prefloop.store.tables import labels
from prefloop.store.team_tables import batches, queue

WITH_PREFERENCE = ("best", "tie", "all_bad")
"""Answers that a question was asked for; a skip or a flag is none."""

FLAGS_TO_CLOSE = 2
"""So many people flag a question, and nobody else is given it."""


def settle(connection: Connection, comparison_ids: Iterable[str]) -> None:
    """Bring the queue's rows of these questions, if it has them, in line with the labels."""
    for chunk in chunks(comparison_ids):
        connection.execute(_SETTLED.where(queue.c.comparison_id.in_(chunk)))


def settle_all(connection: Connection) -> None:
    """Bring the whole queue in line with the labels."""
    connection.execute(_SETTLED)


def _n_live(*answers: str) -> sa.ScalarSelect[int]:
    query = sa.select(sa.func.count()).select_from(labels).correlate(queue)
    return query.where(
        labels.c.comparison_id == queue.c.comparison_id,
        labels.c.ended_by.is_(None),
        labels.c.answer.in_(answers),
    ).scalar_subquery()


_ANSWERED = _n_live(*WITH_PREFERENCE)
_IS_FROZEN = (
    sa.select(batches.c.round)
    .correlate(queue)
    .where(batches.c.round == queue.c.round, batches.c.frozen_at.is_not(None))
    .exists()
)
_SETTLED = sa.update(queue).values(
    answered=_ANSWERED,
    is_open=sa.and_(queue.c.wanted > _ANSWERED, _n_live("flag") < FLAGS_TO_CLOSE, ~_IS_FROZEN),
)
