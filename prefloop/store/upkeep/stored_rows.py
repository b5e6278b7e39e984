"""Whether prompts, samples, comparisons, verdicts and scores are those that were stored.

Every batch has an event of the ledger with a hash of its rows; here they are read and hashed again.
Rows that an earlier version stored have none, and are counted.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.row_digests import SAMPLE_IDS, STORED, digest_of
from prefloop.store.core.score_digests import SCORES_STORED, scores_digest
from prefloop.store.core.tables import events, scores


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """What the ledger's hashes say about the rows of other tables."""

    problems: tuple[str, ...]
    """Empty: every row that has a hash is as it was stored."""
    n_without_hash: dict[str, int]
    """By table: rows that an earlier version stored."""


@dataclass
class _Checked:
    """What was found in one table."""

    problems: list[str] = field(default_factory=list)
    first: int | None = None
    """The first number that an event covers."""
    n_rows: int = 0
    """Rows that the events say they cover."""


def check_stored_rows(connection: Connection) -> StoredRows:
    """Return what the events over rows say about the rows that are there."""
    query = sa.select(events.c.sequence, events.c.kind, events.c.payload, events.c.created_at)
    query = query.where(events.c.kind.in_(STORED)).order_by(events.c.sequence)
    checked = {kind: _Checked() for kind in STORED}
    for event in connection.execute(query).all():
        _check(connection, event, checked[event.kind])
    problems: list[str] = []
    without_hash: dict[str, int] = {}
    for kind, table in STORED.items():
        found = checked[kind]
        earlier, later = _counts(connection, table, found.first)
        n_added = later - found.n_rows
        if n_added > 0 and not found.problems:
            found.problems.append(
                f"{table.name} has {n_added} more rows than the ledger knows of: they were added "
                "outside prefloop. Put back a backup."
            )
        problems += found.problems
        if earlier:
            without_hash[table.name] = earlier
    of_scores, n_scores = _check_scores(connection)
    problems += of_scores
    if n_scores:
        without_hash[scores.name] = n_scores
    return StoredRows(problems=tuple(problems), n_without_hash=without_hash)


def _check_scores(connection: Connection) -> tuple[list[str], int]:
    """Return what is wrong with scores, and how many of them no event covers."""
    query = sa.select(events).where(events.c.kind == SCORES_STORED).order_by(events.c.sequence)
    problems, n_covered = [], 0
    for event in connection.execute(query).all():
        stored = json.loads(event.payload)
        found = scores_digest(
            connection, stored["scorer"], stored["fingerprint"], stored["samples"]
        )
        n_covered += len(stored["samples"])
        if found.sha256 != stored["sha256"]:
            problems.append(
                f"scores by {stored['scorer']} of {len(stored['samples'])} samples, stored by "
                f"event {event.sequence} ({event.created_at[:10]}), are not what was stored: at "
                "least one was changed or removed outside prefloop. Put back a backup."
            )
    n_all = connection.execute(sa.select(sa.func.count()).select_from(scores)).scalar_one()
    return problems, max(n_all - n_covered, 0)


def _check(connection: Connection, event: Any, checked: _Checked) -> None:
    """Compare the rows of one event with its hash."""
    table, stored = STORED[event.kind], json.loads(event.payload)
    if checked.first is None:
        checked.first = stored["first"]
    checked.n_rows += stored["rows"]
    batch = f"{table.name} {stored['first']} to {stored['last']}, stored by event {event.sequence}"
    unknown = set(stored["columns"]) - {*table.columns.keys(), SAMPLE_IDS}
    if unknown:
        checked.problems.append(f"{batch}: there is no column {min(unknown)} any more")
        return
    found = digest_of(
        connection, table, stored["columns"], first=stored["first"], last=stored["last"]
    )
    if found.rows != stored["rows"]:
        checked.problems.append(
            f"{batch} ({event.created_at[:10]}), were {stored['rows']} and are {found.rows}: rows "
            "were removed or added outside prefloop. Put back a backup."
        )
    elif found.sha256 != stored["sha256"]:
        checked.problems.append(
            f"{batch} ({event.created_at[:10]}), are not what was stored: at least one was changed "
            "outside prefloop. Put back a backup."
        )


def _counts(connection: Connection, table: sa.Table, first: int | None) -> tuple[int, int]:
    """Return how many rows come before the first that an event covers, and how many after."""
    query = sa.select(sa.func.count()).select_from(table)
    n_all = int(connection.execute(query).scalar_one())
    if first is None:
        return n_all, 0
    n_before = int(connection.execute(query.where(table.c.number < first)).scalar_one())
    return n_before, n_all - n_before
