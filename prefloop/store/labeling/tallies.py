"""Answers counted by the hour, so that a web page need not read a million labels."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.database import Database
from prefloop.store.core.team_tables import tallies
from prefloop.teamwork import Tally

HOUR_SECONDS = 3600

BREAK_SECONDS = 300.0
"""The most that one answer counts for: a labeler who took longer was away."""


class Tallies:
    """The number of answers of each labeler, and the time they took."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, since_hour: int = 0) -> list[Tally]:
        """Return the tallies from an hour on (hours since 1970), oldest first."""
        keys = (tallies.c.hour, tallies.c.labeler, tallies.c.instructions)
        query = sa.select(tallies).where(tallies.c.hour >= since_hour).order_by(*keys)
        found: dict[tuple[int, str, str], dict[str, Any]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                sums_of_key = found.setdefault(
                    (row.hour, row.labeler, row.instructions), {"n": {}, "seconds": 0.0}
                )
                sums_of_key["n"][row.answer] = row.n
                sums_of_key["seconds"] += row.seconds
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

    For other answers it is the label's time, cut at BREAK_SECONDS.
    """
    known = active_seconds or {}
    sums: dict[tuple[str, str, str], list[float]] = {}
    for label in labels:
        taken = known.get(label.id, label.seconds)
        sums_of_key = sums.setdefault((label.labeler, label.instructions, label.answer), [0, 0.0])
        sums_of_key[0] += 1
        sums_of_key[1] += 0.0 if math.isnan(taken) else min(taken, BREAK_SECONDS)
    hour = int(now // HOUR_SECONDS)
    rows = [
        {"labeler": who, "instructions": version, "answer": answer, "n": n, "seconds": seconds}
        for (who, version, answer), (n, seconds) in sums.items()
    ]
    if rows:
        connection.execute(_ADD[connection.dialect.name], [row | {"hour": hour} for row in rows])


def _adding(insert: postgresql.Insert | sqlite.Insert) -> sa.Insert:
    sums = {name: tallies.c[name] + insert.excluded[name] for name in ("n", "seconds")}
    return insert.on_conflict_do_update(index_elements=tallies.primary_key.columns, set_=sums)


# Upserts the tallies of the hour; each dialect has its own builder.
_ADD = {
    "sqlite": _adding(sqlite.insert(tallies)),
    "postgresql": _adding(postgresql.insert(tallies)),
}
