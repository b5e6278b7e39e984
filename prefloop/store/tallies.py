"""Answers counted by the hour, so that a page need not read a million labels to say how many."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.database import Database
from prefloop.store.team_tables import tallies
from prefloop.teamwork import Tally

HOUR_SECONDS = 3600

BREAK_SECONDS = 300.0
"""Who took longer over one answer was away for a while: only so much of it counts."""


class Tallies:
    """How many answers people gave, and how long they took."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, since_hour: int = 0) -> list[Tally]:
        """Return the tallies from an hour on (hours since 1970), oldest first."""
        keys = (tallies.c.hour, tallies.c.labeler, tallies.c.instructions)
        query = sa.select(tallies).where(tallies.c.hour >= since_hour).order_by(*keys)
        found: dict[tuple[int, str, str], dict[str, Any]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                place = found.setdefault(
                    (row.hour, row.labeler, row.instructions), {"n": {}, "seconds": 0.0}
                )
                place["n"][row.answer] = row.n
                place["seconds"] += row.seconds
        return [
            Tally(hour=hour, labeler=labeler, instructions=version, **sums)
            for (hour, labeler, version), sums in found.items()
        ]

    def totals(self) -> dict[str, dict[str, int]]:
        """Return how many answers of each kind each labeler gave, over all hours."""
        columns = (tallies.c.labeler, tallies.c.answer)
        query = sa.select(*columns, sa.func.sum(tallies.c.n).label("n")).group_by(*columns)
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query.order_by(*columns)):
                found.setdefault(row.labeler, {})[row.answer] = int(row.n)
        return found


def count_answers(
    connection: Connection,
    now: float,
    labels: Sequence[Label],
    active_seconds: Mapping[str, float] | None = None,
) -> None:
    """Add answers to the tally of the hour; `active_seconds` by label id, where it was measured.

    The time of an answer without it is what the label says, without what must have been a break.
    """
    known = active_seconds or {}
    sums: dict[tuple[str, str, str], list[float]] = {}
    for label in labels:
        taken = known.get(label.id, label.seconds)
        place = sums.setdefault((label.labeler, label.instructions, label.answer), [0, 0.0])
        place[0] += 1
        place[1] += 0.0 if math.isnan(taken) else min(taken, BREAK_SECONDS)
    hour = int(now // HOUR_SECONDS)
    rows = [
        {"labeler": who, "instructions": version, "answer": answer, "n": n, "seconds": seconds}
        for (who, version, answer), (n, seconds) in sums.items()
    ]
    _add(connection, hour, rows)


def _add(connection: Connection, hour: int, rows: Sequence[dict[str, Any]]) -> None:
    keys = ("labeler", "instructions", "answer")
    query = sa.select(*(tallies.c[key] for key in keys)).where(tallies.c.hour == hour)
    there = {tuple(row) for row in connection.execute(query)}
    is_same = [tallies.c[key] == sa.bindparam(f"the_{key}") for key in keys]
    add = sa.update(tallies).where(tallies.c.hour == hour, *is_same)
    add = add.values(
        n=tallies.c.n + sa.bindparam("more"), seconds=tallies.c.seconds + sa.bindparam("longer")
    )
    more = [
        {f"the_{key}": row[key] for key in keys} | {"more": row["n"], "longer": row["seconds"]}
        for row in rows
        if tuple(row[key] for key in keys) in there
    ]
    new = [row | {"hour": hour} for row in rows if tuple(row[key] for key in keys) not in there]
    if more:
        connection.execute(add, more)
    if new:
        connection.execute(sa.insert(tallies), new)
