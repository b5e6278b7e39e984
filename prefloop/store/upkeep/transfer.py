"""A whole store into an empty database, SQLite or PostgreSQL: all of it, or nothing.

Every table is read in pages, in an order in which no row points at one that is not there yet. What
arrived is read again and compared: the number of rows, every value of every row, and the hash chain
of the ledger. Only then the target's single transaction ends.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from prefloop.errors import StoreError, listing
from prefloop.progress import Progress
from prefloop.store.core import ledger
from prefloop.store.core.database import Database
from prefloop.store.core.dialect import (
    counted_column,
    insert_page,
    last_number,
    set_last_number,
)
from prefloop.store.core.tables import ledger_head
from prefloop.store.upkeep.fingerprint import (
    ALL_TABLES,
    Contents,
    Fingerprint,
    Values,
    contents,
    differences,
    pages_of,
)


def copy_everything(source: Connection, target: Database, progress: Progress) -> Contents:
    """Copy what a connection sees into an empty database; return what both hold now."""
    with target.writing() as connection:
        _refuse_unless_empty(connection, target.name)
        connection.execute(sa.delete(ledger_head))
        sent = {
            table.name: _copy_table(source, connection, table, progress) for table in ALL_TABLES
        }
        arrived = contents(connection)
        refused = f"{target.name} holds something else than was sent, was left as it was, and"
        problems = differences(sent, arrived)
        if problems:
            raise StoreError(listing(refused, problems))
        ledger.verify(connection)
    return sent


def _refuse_unless_empty(connection: Connection, name: str) -> None:
    """Refuse a target that holds anything: two stores cannot become one."""
    for table in ALL_TABLES:
        if table is not ledger_head and _n_rows(connection, table):
            raise StoreError(
                f"{name} is not empty: it holds {_n_rows(connection, table)} rows in {table.name}. "
                "Give an empty database or a new path; nothing was changed."
            )


def _n_rows(connection: Connection, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(connection.execute(query).scalar_one())


def _copy_table(
    source: Connection, target: Connection, table: sa.Table, progress: Progress
) -> Fingerprint:
    """Copy one table and return what it held."""
    sent, n_all = Fingerprint(), _n_rows(source, table)
    for page in pages_of(source, table):
        sent.add(page)
        try:
            insert_page(target, table, page)
        except DBAPIError as error:
            _tell_unstorable(table, page, error)
            raise
        progress.count(f"Moving {table.name}", sent.n_rows, n_all)
    if counted_column(table) is not None:
        set_last_number(target, table, last_number(source, table))
    return sent


def _tell_unstorable(table: sa.Table, page: list[Values], error: DBAPIError) -> None:
    """Name the row that holds what PostgreSQL cannot store, if that is why it refused."""
    for row in page:
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, str) and "\0" in value:
                raise StoreError(
                    f"{table.name} holds a NUL character in {column.name} of {row[:2]}, which "
                    "PostgreSQL cannot store. Nothing was moved; keep this store in SQLite."
                ) from error
