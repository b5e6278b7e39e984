"""The ledger's events over rows of other tables: one per stored batch, with a hash of its rows.

    sha256(row_first + ... + row_last), each row a JSON list of its columns and a line feed

Prompts, samples, comparisons and verdicts are numbered in the order in which they came, and never
changed or deleted. So an event names the numbers of its batch, and whoever reads these rows again
gets the same hash, in either database. Columns are named too: one that is added later is in no
earlier hash.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core.insertion import insert_rows
from prefloop.store.core.ledger import append
from prefloop.store.core.rows import RowDict
from prefloop.store.core.tables import comparison_samples, comparisons, prompts, samples, verdicts

SAMPLE_IDS = "sample_ids"
"""The column that stands for the samples of a comparison, which are rows of their own."""

STORED: Mapping[str, sa.Table] = {
    "prompts_stored": prompts,
    "samples_stored": samples,
    "comparisons_stored": comparisons,
    "verdicts_stored": verdicts,
}
"""Kinds of these events, which never change, and the table of each."""

PAGE_ROWS = 5000
"""Rows in memory at a time."""

KIND_OF = {table.name: kind for kind, table in STORED.items()}

_JSON = json.JSONEncoder(separators=(",", ":"), default=repr)


@dataclass(frozen=True, kw_only=True)
class RowDigest:
    """The rows of one batch: their numbers, how many there are, and their hash."""

    first: int
    last: int
    rows: int
    columns: tuple[str, ...]
    sha256: str

    def payload(self) -> dict[str, Any]:
        """Return the content of the event."""
        return dict(vars(self)) | {"columns": list(self.columns)}


def insert_with_digest(
    connection: Connection, table: sa.Table, noun: str, rows: Sequence[RowDict]
) -> int:
    """Insert the new ones of `rows` and append the event over them; return how many there were."""
    after = last_stored(connection, table)
    n_new = insert_rows(connection, table, noun, rows)
    append_digest(connection, table, after=after)
    return n_new


def last_stored(connection: Connection, table: sa.Table) -> int:
    """Return the number of the newest row; 0 if there is none."""
    return int(connection.execute(sa.select(sa.func.max(table.c.number))).scalar() or 0)


def append_digest(connection: Connection, table: sa.Table, *, after: int) -> None:
    """Append the event over the rows that this transaction has added after the number `after`."""
    last = last_stored(connection, table)
    if last > after:
        digest = digest_of(connection, table, columns_of(table), first=after + 1, last=last)
        append(connection, [(KIND_OF[table.name], digest.payload())])


def columns_of(table: sa.Table) -> tuple[str, ...]:
    """Return the columns that a new hash covers: all but the number."""
    names = tuple(column.name for column in table.columns if column.name != "number")
    return (*names, SAMPLE_IDS) if table is comparisons else names


def digest_of(
    connection: Connection, table: sa.Table, columns: Sequence[str], *, first: int, last: int
) -> RowDigest:
    """Return the digest of the rows with these numbers, as they are now."""
    found, n_rows = hashlib.sha256(), 0
    for row in _rows(connection, table, columns, first, last):
        found.update(_JSON.encode(row).encode() + b"\n")
        n_rows += 1
    return RowDigest(
        first=first, last=last, rows=n_rows, columns=tuple(columns), sha256=found.hexdigest()
    )


def _rows(
    connection: Connection, table: sa.Table, columns: Sequence[str], first: int, last: int
) -> Iterator[list[Any]]:
    within = table.c.number.between(first, last)
    names = [name for name in columns if name != SAMPLE_IDS]
    query = sa.select(*(table.c[name] for name in names)).where(within).order_by(table.c.number)
    rows = connection.execute(query, execution_options={"yield_per": PAGE_ROWS})
    if SAMPLE_IDS not in columns:
        yield from map(list, rows)
        return
    members, place = _members(connection, within), names.index("id")
    for row in rows:
        yield [*row, members.get(row[place], [])]


def _members(connection: Connection, within: sa.ColumnElement[bool]) -> dict[str, list[str]]:
    """Return the sample ids of each comparison, in the order of the record."""
    query = (
        sa.select(comparison_samples.c.comparison_id, comparison_samples.c.sample_id)
        .join(comparisons, comparisons.c.id == comparison_samples.c.comparison_id)
        .where(within)
        .order_by(comparison_samples.c.comparison_id, comparison_samples.c.position)
    )
    found: dict[str, list[str]] = {}
    for comparison_id, sample_id in connection.execute(query):
        found.setdefault(comparison_id, []).append(sample_id)
    return found
