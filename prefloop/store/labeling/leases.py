"""Renewing and giving back leases."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.insertion import chunks, padded
from prefloop.store.core.team_tables import assignments, queue
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.claims import ORDER_SECONDS
from prefloop.store.labeling.free_questions import (
    HAS_ANSWERED,
    HAS_ROOM,
    IS_NOT_CLOSED,
    IS_OF_A_FROZEN_BATCH,
    is_any_free,
)
from prefloop.store.labeling.recount import ON_HOLD
from prefloop.store.labeling.shares import closed_rounds


def renew(connection: Connection, assignment_ids: Iterable[str], labeler: str) -> list[str]:
    """Restart leases, each with its former length; return the assignments that are leased now."""
    now = clock.now(connection)
    rows = [
        row
        for chunk in chunks(assignment_ids)
        for row in _renewable(connection, chunk, labeler, now)
    ]
    changes = [
        {
            "name": row.id,
            "at": now + i * ORDER_SECONDS,
            "until": now + i * ORDER_SECONDS + (row.leased_until - row.leased_at),
        }
        for i, row in enumerate(sorted(rows, key=lambda row: (row.leased_at, row.id)))
    ]
    if changes:
        query = sa.update(assignments).where(assignments.c.id == sa.bindparam("name"))
        query = query.values(leased_at=sa.bindparam("at"), leased_until=sa.bindparam("until"))
        connection.execute(query, changes)
    return [change["name"] for change in changes]


def give_back(connection: Connection, assignment_ids: Iterable[str], labeler: str) -> None:
    """End leases without an answer."""
    now = clock.now(connection)
    for chunk in chunks(assignment_ids):
        query = sa.update(assignments).where(
            assignments.c.id.in_(padded(chunk)),
            assignments.c.labeler == labeler,
            assignments.c.closed_at.is_(None),
        )
        connection.execute(query.values(closed_at=now))


def _renewable(
    connection: Connection, assignment_ids: list[str], labeler: str, now: float
) -> list[sa.Row[tuple[str, float, float]]]:
    """Open assignments of the labeler that are leased, or whose comparison is free for them.

    An ended gold or repeated question only while they are given work: none is ever handed out
    without, so one that came back alone would be known by it.
    """
    terms = {"me": labeler, "now": now, "closed": closed_rounds(connection, labeler, now=now)}
    is_free = sa.and_(HAS_ROOM, ~HAS_ANSWERED, IS_NOT_CLOSED)
    kinds = ("gold", "retest", "training") if is_any_free(connection, labeler) else ("training",)
    query = (
        sa.select(assignments.c.id, assignments.c.leased_at, assignments.c.leased_until)
        .outerjoin(queue, queue.c.comparison_id == assignments.c.comparison_id)
        .where(
            assignments.c.id.in_(padded(assignment_ids)),
            assignments.c.labeler == labeler,
            assignments.c.closed_at.is_(None),
            assignments.c.comparison_id.not_in(ON_HOLD),
            sa.or_(
                is_leased(sa.literal(now)),
                sa.and_(assignments.c.kind.in_(kinds), ~IS_OF_A_FROZEN_BATCH),
                is_free,
            ),
        )
    )
    return list(connection.execute(query, terms))
