"""Leases prolonged and given back."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.insertion import chunks
from prefloop.store.core.team_tables import queue, views
from prefloop.store.labeling.assignments import is_leased
from prefloop.store.labeling.claims import (
    HAS_ANSWERED,
    HAS_ROOM,
    IS_OF_A_FROZEN_BATCH,
    ORDER_SECONDS,
)


def renew(connection: Connection, view_ids: Iterable[str], labeler: str) -> list[str]:
    """Begin leases anew, each as long as before; return the views that are leased now."""
    now = clock.now(connection)
    rows = [
        row for chunk in chunks(view_ids) for row in _renewable(connection, chunk, labeler, now)
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
        query = sa.update(views).where(views.c.id == sa.bindparam("name"))
        query = query.values(leased_at=sa.bindparam("at"), leased_until=sa.bindparam("until"))
        connection.execute(query, changes)
    return [change["name"] for change in changes]


def give_back(connection: Connection, view_ids: Iterable[str], labeler: str) -> None:
    """End leases without an answer."""
    now = clock.now(connection)
    for chunk in chunks(view_ids):
        query = sa.update(views).where(
            views.c.id.in_(chunk), views.c.labeler == labeler, views.c.closed_at.is_(None)
        )
        connection.execute(query.values(closed_at=now))


def _renewable(
    connection: Connection, view_ids: list[str], labeler: str, now: float
) -> list[sa.Row[tuple[str, float, float]]]:
    """Open views of the labeler that are leased, or whose question is free for them still."""
    terms = {"me": labeler, "now": now}
    is_free = sa.and_(HAS_ROOM, ~HAS_ANSWERED)
    query = (
        sa.select(views.c.id, views.c.leased_at, views.c.leased_until)
        .outerjoin(queue, queue.c.comparison_id == views.c.comparison_id)
        .where(
            views.c.id.in_(view_ids),
            views.c.labeler == labeler,
            views.c.closed_at.is_(None),
            sa.or_(
                is_leased(sa.literal(now)),
                sa.and_(views.c.kind != "work", ~IS_OF_A_FROZEN_BATCH),
                is_free,
            ),
        )
    )
    return list(connection.execute(query, terms))
