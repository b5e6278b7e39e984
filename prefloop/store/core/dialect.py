"""Differences between SQLite and PostgreSQL, other than opening them (`database.py`).

Bulk inserts, sequences, closing a store that was moved, and integrity checks of SQLite files.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from prefloop.errors import StoreAwayError, StoreError
from prefloop.store.core.place import refuse_closed
from prefloop.store.core.private_files import create_private
from prefloop.store.core.refusals import translated_errors
from prefloop.store.core.single_writer import try_writer_lock
from prefloop.store.core.tables import events

MOVED = "store_has_moved"
"""The trigger that refuses new events in a store that was moved elsewhere."""

MAPPED_BYTES = 2**31
"""Bytes of a file that are memory-mapped while no other process uses it."""

MOVED_STATE = "PF001"
"""The SQLSTATE of that refusal in PostgreSQL."""


def is_sqlite(connection: Connection) -> bool:
    """Whether this is a connection to SQLite."""
    return connection.dialect.name == "sqlite"


def insert_page(connection: Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values are in the order of the table's columns."""
    if not rows:
        return
    if is_sqlite(connection):
        names = [column.name for column in table.columns]
        values = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(sa.insert(table), values)
    else:
        _copy_into(connection, table, rows)


def _copy_into(connection: Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert with COPY, which is several times as fast as INSERT."""
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column.name) for column in table.columns)
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    refusal = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except refusal as error:
        raise DBAPIError(statement, None, error) from error


def serial_column(table: sa.Table) -> sa.Column[int] | None:
    """Return the column that the database numbers itself, if the table has one."""
    return table.autoincrement_column


def last_number(connection: Connection, table: sa.Table) -> int:
    """Return the highest number that the serial column of a table ever had; 0 if none."""
    column = serial_column(table)
    assert column is not None
    if not is_sqlite(connection):
        query = sa.select(sa.func.pg_sequence_last_value(_sequence(table, column)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        counters = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        query = sa.select(counters.c.seq).where(counters.c.name == table.name)
    else:
        query = sa.select(sa.func.max(column))
    return int(connection.execute(query).scalar() or 0)


def set_last_number(connection: Connection, table: sa.Table, number: int) -> None:
    """Continue the serial column of a table after `number`."""
    column = serial_column(table)
    assert column is not None
    if not number:
        return
    if not is_sqlite(connection):
        connection.execute(sa.select(sa.func.setval(_sequence(table, column), number)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        counters = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        connection.execute(sa.delete(counters).where(counters.c.name == table.name))
        connection.execute(sa.insert(counters).values(name=table.name, seq=number))


def _sequence(table: sa.Table, column: sa.Column[int]) -> sa.ColumnElement[Any]:
    name = sa.func.pg_get_serial_sequence(table.name, column.name)
    return sa.cast(name, REGCLASS)


def close_for_answers(connection: Connection, place: str) -> None:
    """Make the database refuse every new event, with the place to which the store has moved."""
    message = f"moved to {place}".replace("'", "''")
    if is_sqlite(connection):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {MOVED} BEFORE INSERT ON {events.name} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    body = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{MOVED_STATE}', MESSAGE = '{message}'; END"
    connection.exec_driver_sql(
        f"CREATE FUNCTION {MOVED}() RETURNS trigger LANGUAGE plpgsql AS $moved${body}$moved$"
        # The driver takes a single % for a placeholder.
        .replace("%", "%%")
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {MOVED} BEFORE INSERT ON {events.name} "
        f"FOR EACH ROW EXECUTE FUNCTION {MOVED}()"
    )


def reopen_for_answers(connection: Connection) -> None:
    """Drop that refusal, in a file of SQLite."""
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {MOVED}")


def copy_file(source: Path, target: Path) -> None:
    """Copy a snapshot of an SQLite database while others write to it."""
    refuse_closed(source)
    if not source.exists():
        raise StoreError(f"{source}: there is no store here. Check the path.")
    with translated_errors(str(source)), ExitStack() as stack:
        try:
            origin = sqlite3.connect(source, isolation_level=None)
            stack.callback(_close_with_lock, origin, source)
            create_private(target)
            # All pages in one reading transaction: writers do not restart the backup.
            origin.backup(stack.enter_context(_connected(target)), pages=-1)
        except sqlite3.Error as error:
            raise DBAPIError("backup", None, error) from error


def _close_with_lock(connection: sqlite3.Connection, file: Path) -> None:
    # The last connection to close checkpoints the WAL: only one process at a time may do that.
    with try_writer_lock(str(file)):
        connection.close()


@contextmanager
def open_plain(file: Path) -> Iterator[Connection]:
    """A connection to a file of SQLite of any schema that no other process uses."""
    engine = sa.create_engine(URL.create("sqlite", database=str(file)))
    try:
        with translated_errors(str(file)), engine.connect() as connection:
            # This halves the time of an integrity check.
            connection.exec_driver_sql(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            yield connection
    finally:
        engine.dispose()


def merge_wal(file: Path) -> None:
    """Merge the WAL into the file, which can then be read on a read-only disk.

    Raises a StoreAwayError while another process has the database open.
    """
    try:
        with _connected(file) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise StoreError(f"{file} cannot be read: {error}.") from error
        raise StoreAwayError(
            f"{file} is in use. Stop the run and its labeling page (`prefloop serve`) first."
        ) from error


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    """A sqlite3 connection, closed in the end."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        yield connection
    finally:
        connection.close()


def setting(connection: Connection, name: str) -> str:
    """Return a setting of the database; in PostgreSQL the server's, not this session's."""
    if is_sqlite(connection):
        return str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
    query = sa.text("SELECT reset_val FROM pg_settings WHERE name = :name")
    return str(connection.execute(query, {"name": name}).scalar_one())


def integrity_problems(connection: Connection) -> list[str]:
    """Return the problems that SQLite's checks of pages and foreign keys find."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    missing = [f"a row of {row[0]} points at a row of {row[2]} that is missing" for row in dangling]
    return [problem for problem in found if problem != "ok"] + list(dict.fromkeys(missing))
