"""What SQLite and PostgreSQL do not share, beyond opening them (`database.py`).

Whole tables in and out, the numbers that were given, a store that has moved away, and what a file
of SQLite says about its own soundness.
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
from prefloop.store.core.refusals import told_to_user
from prefloop.store.core.single_writer import alone_if_free
from prefloop.store.core.tables import events

MOVED = "store_has_moved"
"""The trigger that keeps new answers out of a store that lives elsewhere now."""

MAPPED_BYTES = 2**31
"""How much of a file that nobody else uses is read as memory."""

MOVED_STATE = "PF001"
"""What PostgreSQL calls its refusal (SQLSTATE)."""


def is_sqlite(connection: Connection) -> bool:
    """Whether this is a connection to SQLite."""
    return connection.dialect.name == "sqlite"


def insert_page(connection: Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    if not rows:
        return
    if is_sqlite(connection):
        names = [column.name for column in table.columns]
        values = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(sa.insert(table), values)
    else:
        _copy_into(connection, table, rows)


def _copy_into(connection: Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY, which is several times as fast as INSERT."""
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


def counted_column(table: sa.Table) -> sa.Column[int] | None:
    """Return the column whose numbers the database gives out itself, if the table has one."""
    return table.autoincrement_column


def last_number(connection: Connection, table: sa.Table) -> int:
    """Return the highest number that was ever given in a table; 0 if none was."""
    column = counted_column(table)
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
    """Let the next number of a table be the one after `number`."""
    column = counted_column(table)
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
    """Let the database refuse every new event from now on, and say where the store has gone."""
    told = f"moved to {place}".replace("'", "''")
    if is_sqlite(connection):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {MOVED} BEFORE INSERT ON {events.name} "
            f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
        )
        return
    body = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{MOVED_STATE}', MESSAGE = '{told}'; END"
    connection.exec_driver_sql(
        f"CREATE FUNCTION {MOVED}() RETURNS trigger LANGUAGE plpgsql AS $moved${body}$moved$"
        # The driver takes a single % for a place to fill in.
        .replace("%", "%%")
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {MOVED} BEFORE INSERT ON {events.name} "
        f"FOR EACH ROW EXECUTE FUNCTION {MOVED}()"
    )


def reopen_for_answers(connection: Connection) -> None:
    """Take new events again, in a file of SQLite."""
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {MOVED}")


def copy_file(source: Path, target: Path) -> None:
    """Copy an SQLite database, as it is at one moment, while others go on writing to it."""
    if not source.exists():
        raise StoreError(f"{source}: there is no store here. Check the path.")
    with told_to_user(str(source)), ExitStack() as stack:
        try:
            origin = sqlite3.connect(source, isolation_level=None)
            stack.callback(_close_in_turn, origin, source)
            # In one step, one reading transaction: writers do not make it begin again.
            origin.backup(stack.enter_context(_opened(target)), pages=-1)
        except sqlite3.Error as error:
            raise DBAPIError("backup", None, error) from error


def _close_in_turn(connection: sqlite3.Connection, file: Path) -> None:
    # Whoever closes last works the log into the file: only one writer at a time may do that.
    with alone_if_free(str(file)):
        connection.close()


@contextmanager
def plainly(file: Path) -> Iterator[Connection]:
    """A connection to a file of SQLite that nobody else uses, whatever schema it has."""
    engine = sa.create_engine(URL.create("sqlite", database=str(file)))
    try:
        with told_to_user(str(file)), engine.connect() as connection:
            # Looking over a whole file is then half as long.
            connection.exec_driver_sql(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            yield connection
    finally:
        engine.dispose()


def settle(file: Path) -> None:
    """Work everything into the one file, which then can be read where nobody may write.

    Refused while anybody else has the database open.
    """
    try:
        with _opened(file) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise StoreError(f"{file} cannot be read: {error}.") from error
        raise StoreAwayError(
            f"{file} is in use. Stop the run and its labeling page (`prefloop serve`) first."
        ) from error


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A bare connection, closed in the end."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        yield connection
    finally:
        connection.close()


def setting(connection: Connection, name: str) -> str:
    """Return a setting of the database; in PostgreSQL what the server says, not what we asked."""
    if is_sqlite(connection):
        return str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
    query = sa.text("SELECT reset_val FROM pg_settings WHERE name = :name")
    return str(connection.execute(query, {"name": name}).scalar_one())


def unsound_pages(connection: Connection) -> list[str]:
    """Return what SQLite finds wrong with its own pages and pointers; nothing if all is well."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    told = [f"a row of {row[0]} points at a row of {row[2]} that is not there" for row in dangling]
    return [line for line in found if line != "ok"] + list(dict.fromkeys(told))
