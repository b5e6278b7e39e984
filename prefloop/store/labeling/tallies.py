"""Answers counted by the hour, so that a web page need not read a million labels.

Each row names the last event of the ledger that changed it. Whoever keeps sums asks for what
changed since: the hours are those of a clock that may be set back.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from prefloop.records import Label
from prefloop.store.core.database import Database
from prefloop.store.core.team_tables import tallies
from prefloop.teamwork import Tally

HOUR_SECONDS = 3600


class CountedAnswer(NamedTuple):
    """An answer that was stored."""

    label: Label
    worked_seconds: float
    """By the database's clock: see `working_time.py`."""
    is_new: bool
    """Whether its assignment was answered for the first time. The time of others counts, too."""


class ChangedTallies(NamedTuple):
    """The hours that changed since an event of the ledger."""

    tallies: list[Tally]
    """All tallies of those hours, also the unchanged ones; oldest first."""
    sequence: int
    """Ask for changes since this event next."""


class Tallies:
    """The number of answers of each labeler, and the time they took."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, since_hour: int = 0) -> list[Tally]:
        """Return the tallies from an hour on (hours since 1970), oldest first."""
        with self._database.reading() as connection:
            return _tallies(connection, tallies.c.hour >= since_hour)

    def changed_since(self, sequence: int) -> ChangedTallies:
        """Return the hours that events after this one changed. All of them: since -1."""
        changed = tallies.alias("changed_tallies")
        hours = sa.select(changed.c.hour).where(changed.c.sequence > sequence)
        with self._database.reading() as connection:
            newest = connection.execute(sa.select(sa.func.max(tallies.c.sequence))).scalar()
            if newest is None or newest <= sequence:
                return ChangedTallies([], sequence)
            return ChangedTallies(_tallies(connection, tallies.c.hour.in_(hours)), newest)

    def totals(self) -> dict[str, dict[str, int]]:
        """Return how many answers of each kind each labeler gave, over all hours."""
        columns = (tallies.c.labeler, tallies.c.answer)
        query = sa.select(*columns, sa.func.sum(tallies.c.n).label("n")).group_by(*columns)
        query = query.where(tallies.c.n > 0)
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query.order_by(*columns)):
                found.setdefault(row.labeler, {})[row.answer] = int(row.n)
        return found


def count_answers(
    connection: Connection, now: float, sequence: int, answers: Sequence[CountedAnswer]
) -> None:
    """Add answers to the tally of the hour; `sequence` is the last event that brought them."""
    sums: dict[tuple[str, str, str], list[float]] = {}
    for label, worked_seconds, is_new in answers:
        sums_of_key = sums.setdefault((label.labeler, label.instructions, label.answer), [0, 0.0])
        sums_of_key[0] += is_new
        sums_of_key[1] += worked_seconds
    hour = int(now // HOUR_SECONDS)
    rows = [
        {"labeler": who, "instructions": version, "answer": answer, "n": n, "seconds": seconds}
        for (who, version, answer), (n, seconds) in sums.items()
    ]
    if rows:
        of_all = {"hour": hour, "sequence": sequence}
        connection.execute(_ADD[connection.dialect.name], [row | of_all for row in rows])


def _tallies(connection: Connection, condition: sa.ColumnElement[bool]) -> list[Tally]:
    keys = (tallies.c.hour, tallies.c.labeler, tallies.c.instructions)
    query = sa.select(tallies).where(condition).order_by(*keys)
    found: dict[tuple[int, str, str], dict[str, Any]] = {}
    for row in connection.execute(query):
        key = (row.hour, row.labeler, row.instructions)
        sums_of_key = found.setdefault(key, {"n": {}, "seconds": 0.0})
        sums_of_key["seconds"] += row.seconds
        if row.n:
            sums_of_key["n"][row.answer] = row.n
    return [
        Tally(hour=hour, labeler=labeler, instructions=version, **sums)
        for (hour, labeler, version), sums in found.items()
    ]


def _adding(insert: postgresql.Insert | sqlite.Insert) -> sa.Insert:
    changed = {name: tallies.c[name] + insert.excluded[name] for name in ("n", "seconds")}
    changed["sequence"] = insert.excluded["sequence"]
    return insert.on_conflict_do_update(index_elements=tallies.primary_key.columns, set_=changed)


# Upserts the tallies of the hour; each dialect has its own builder.
_ADD = {
    "sqlite": _adding(sqlite.insert(tallies)),
    "postgresql": _adding(postgresql.insert(tallies)),
}
