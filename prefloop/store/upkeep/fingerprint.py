"""Fingerprints of tables, to compare two databases.

A table's digest is the sum of its rows' hashes: independent of the order of the rows, in which
databases differ, and changed by any value of any row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import team_tables

ALL_TABLES: Sequence[sa.Table] = team_tables.people.metadata.sorted_tables
"""Every table, each after those that its foreign keys refer to."""

PAGE_ROWS = 5000

RowValues = tuple[Any, ...]
"""A row, in the order of its table's columns."""


@dataclass
class Fingerprint:
    """The number of rows of a table and the sum of their hashes."""

    n_rows: int = 0
    digest: int = 0

    def add(self, rows: Iterable[RowValues]) -> None:
        """Add rows."""
        for row in rows:
            row_hash = blake2b(repr(row).encode(), digest_size=16).digest()
            self.digest = (self.digest + int.from_bytes(row_hash)) % (1 << 128)
            self.n_rows += 1


Contents = dict[str, Fingerprint]
"""The fingerprint of each table, by its name."""


def pages_of(connection: Connection, table: sa.Table) -> Iterator[list[RowValues]]:
    """Yield all rows of a table, a page at a time: constant memory."""
    options = {"yield_per": PAGE_ROWS}
    for page in connection.execute(sa.select(table), execution_options=options).partitions():
        yield [tuple(row) for row in page]


def fingerprint(connection: Connection, table: sa.Table) -> Fingerprint:
    """Return a table's fingerprint."""
    found = Fingerprint()
    for page in pages_of(connection, table):
        found.add(page)
    return found


def contents(connection: Connection, tables: Sequence[sa.Table] = ALL_TABLES) -> Contents:
    """Return the fingerprints of tables."""
    return {table.name: fingerprint(connection, table) for table in tables}


def differences(one: Contents, other: Contents) -> list[str]:
    """Return a sentence for each table in which two databases differ."""
    found = []
    for name, mine in one.items():
        theirs = other[name]
        if mine.n_rows != theirs.n_rows:
            found.append(f"{name} had {mine.n_rows} rows and has {theirs.n_rows}")
        elif mine.digest != theirs.digest:
            found.append(f"{name} has the same number of rows, but not the same rows")
    return found
