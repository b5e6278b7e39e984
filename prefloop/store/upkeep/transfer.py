"""Copying a whole store into an empty database, SQLite or PostgreSQL: all of it, or nothing.

Tables are read in pages, in the order of their foreign keys. The copy is read again and compared:
the number of rows, every value of every row, and the hash chain of the ledger. Only then the
target's single transaction commits.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from prefloop.errors import StoreError, listing
from prefloop.progress import Progress
from prefloop.store.core import ledger
from prefloop.store.core.database import Database
from prefloop.store.core.dialect import (
    insert_page,
    last_number,
    serial_column,
    set_last_number,
)
from prefloop.store.core.tables import ledger_head
from prefloop.store.upkeep.fingerprint import (
    ALL_TABLES,
    Contents,
    Fingerprint,
    RowValues,
    contents,
    differences,
    pages_of,
)


def copy_everything(source: Connection, target: Database, progress: Progress) -> Contents:
    """Copy a snapshot into an empty database; return the contents of both."""
    with target.writing() as connection:
        _refuse_unless_empty(connection, target.name)
        connection.execute(sa.delete(ledger_head))
        sent = {
            table.name: _copy_table(source, connection, table, progress) for table in ALL_TABLES
        }
        arrived = contents(connection)
        refused = f"{target.name} did not store what was sent, was left unchanged, and"
        problems = differences(sent, arrived)
        if problems:
            raise StoreError(listing(refused, problems))
        ledger.verify(connection)
    return sent


def _refuse_unless_empty(connection: Connection, name: str) -> None:
    """Refuse a target that is not empty: stores cannot be merged."""
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
    """Copy one table and return its fingerprint."""
    sent, n_all = Fingerprint(), _n_rows(source, table)
    for page in pages_of(source, table):
        sent.add(page)
        try:
            insert_page(target, table, page)
        except DBAPIError as error:
            _raise_if_unstorable(table, page, error)
            raise
        progress.count(f"Moving {table.name}", sent.n_rows, n_all)
    if serial_column(table) is not None:
        set_last_number(target, table, last_number(source, table))
    return sent


def _raise_if_unstorable(table: sa.Table, page: list[RowValues], error: DBAPIError) -> None:
    """Raise a StoreError that names the row with a NUL character, if there is one."""
    for row in page:
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, str) and "\0" in value:
                raise StoreError(
                    f"{table.name} holds a NUL character in {column.name} of {row[:2]}, which "
                    "PostgreSQL cannot store. Nothing was moved; keep this store in SQLite."
                ) from error
