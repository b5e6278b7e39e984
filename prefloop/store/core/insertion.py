"""Idempotent inserts: an id stored with the same content is skipped, with other content refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError, listing
from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.store.core.tables import samples

CHUNK = 500
"""Ids in one query; the oldest versions of SQLite take 999."""

MOST_LISTED = 20
"""Problems that an error lists; of the others it gives the number."""


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield the distinct values in lists of at most `CHUNK`."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def padded(values: Sequence[str]) -> list[str]:
    """Return the values, the last one repeated until their number is a power of two.

    For `column IN (...)`. Each number of values is a statement of its own, and every connection
    keeps what it has prepared, 13 to 34 KB each. So up to 64 answers at once are seven statements,
    not 64; a value that is listed twice finds its rows once.
    """
    if not values:
        return []
    n = 1 << (len(values) - 1).bit_length()
    return [*values, *[values[-1]] * (n - len(values))]


def rows_where(
    connection: Connection, table: sa.Table, column: str, values: Iterable[str]
) -> list[RowMapping]:
    """Return the rows of `table` whose `column` is one of `values`."""
    found: list[RowMapping] = []
    for chunk in chunks(values):
        query = sa.select(table).where(table.c[column].in_(padded(chunk)))
        found.extend(connection.execute(query).mappings())
    return found


def new_rows(noun: str, rows: Sequence[RowDict], stored: Mapping[str, RowDict]) -> list[RowDict]:
    """Return the rows whose id is neither in `stored` nor earlier in `rows`."""
    fresh: dict[str, RowDict] = {}
    problems = []
    for row in rows:
        known = stored.get(row["id"]) or fresh.get(row["id"])
        if known is None:
            fresh[row["id"]] = row
        elif any(known[name] != value for name, value in row.items()):
            changed = [name for name, value in row.items() if known[name] != value]
            problems.append(
                f"{noun} {row['id']} is stored already with another {' and '.join(changed)}; "
                "give the new one its own id"
            )
    refuse(f"What was to be stored as {noun}s", problems)
    return list(fresh.values())


def insert_rows(connection: Connection, table: sa.Table, noun: str, rows: Sequence[RowDict]) -> int:
    """Insert the new ones of `rows` into a table with ids; return how many there were."""
    stored = {
        row["id"]: dict(row) for row in rows_where(connection, table, "id", ids_of(rows, "id"))
    }
    fresh = new_rows(noun, rows, stored)
    if fresh:
        connection.execute(sa.insert(table), fresh)
    return len(fresh)


def require_known(
    connection: Connection, table: sa.Table, rows: Sequence[RowDict], column: str, noun: str
) -> None:
    """Raise a StoreError that lists the ids in `column` that `table` does not hold."""
    unknown: list[str] = []
    for chunk in chunks(ids_of(rows, column)):
        query = sa.select(table.c.id).where(table.c.id.in_(chunk))
        found = set(connection.execute(query).scalars())
        unknown.extend(name for name in chunk if name not in found)
    problems = [f"unknown {noun} {name}; add it first" for name in unknown]
    refuse("What was to be stored", problems)


def prompts_of_samples(connection: Connection, sample_ids: Iterable[str]) -> dict[str, str]:
    """Return the prompt's id for each of the sample ids that are stored."""
    found: dict[str, str] = {}
    for chunk in chunks(sample_ids):
        query = sa.select(samples.c.id, samples.c.prompt_id).where(samples.c.id.in_(chunk))
        found.update({row.id: row.prompt_id for row in connection.execute(query)})
    return found


def ids_of(rows: Iterable[RowDict], column: str) -> list[str]:
    """Return the distinct values of a column, in order."""
    return list(dict.fromkeys(row[column] for row in rows))


def refuse(subject: str, problems: Sequence[str]) -> None:
    """Raise a StoreError that lists the problems, if there are any."""
    if len(problems) > MOST_LISTED:
        problems = [*problems[:MOST_LISTED], f"... and {len(problems) - MOST_LISTED} more"]
    if problems:
        raise StoreError(listing(subject, problems))
