"""The queue's counts, brought in line with the labels.

`answered` and `is_open` are functions of the live labels and of what was asked for. They are
computed from those alone, never counted up and down, so they cannot drift from the ledger. Answers
of labelers whom a rule leaves out fill no question: the reward model does not see them.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.insertion import chunks
from prefloop.store.core.tables import labels
from prefloop.store.core.team_tables import batches, queue, rules

WITH_PREFERENCE = ("best", "tie", "all_bad")
"""Answers that a question was asked for; a skip or a flag is none."""

FLAGS_TO_CLOSE = 2
"""So many people flag a question, and nobody else is given it."""

EXCLUDED = sa.select(rules.c.labeler).where(rules.c.ended_by.is_(None))
"""The labelers whose answers do not count at present."""

_ASKED = queue.alias("asked")
_COUNTS = (
    sa.select(
        _ASKED.c.comparison_id,
        sa.func.count(sa.case((labels.c.answer.in_(WITH_PREFERENCE), 1))).label("answered"),
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


def settle(connection: Connection, comparison_ids: Iterable[str]) -> None:
    """Bring the queue's rows of these questions, if it has them, in line with the labels."""
    for chunk in chunks(comparison_ids):
        connection.execute(_SETTLE_SOME, {"ids": chunk})


def settle_answered_by(connection: Connection, labeler: str) -> None:
    """Bring what a labeler has answered in open batches in line, after a rule about them.

    A frozen batch keeps its count: its reward model learned from that many.
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
    settle(connection, connection.execute(query).scalars().all())


def settle_all(connection: Connection) -> None:
    """Bring the whole queue in line with the labels."""
    connection.execute(_SETTLE)


def _settling(counted: sa.Select[tuple[str, int, int, int]]) -> sa.Update:
    counts = counted.subquery()
    is_open = sa.and_(
        queue.c.wanted > counts.c.answered, counts.c.flags < FLAGS_TO_CLOSE, counts.c.frozen == 0
    )
    query = sa.update(queue).where(queue.c.comparison_id == counts.c.comparison_id)
    return query.values(answered=counts.c.answered, is_open=is_open)


_SETTLE = _settling(_COUNTS)
_SETTLE_SOME = _settling(
    _COUNTS.where(_ASKED.c.comparison_id.in_(sa.bindparam("ids", expanding=True)))
)
