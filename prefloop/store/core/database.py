"""An open database: its engine, its transactions and its schema.

SQLite by path, PostgreSQL by URL. Reading transactions never wait; writing ones are serialized, in
this process and among processes. In SQLite a checkpoint counts as a write: see `single_writer.py`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import NoSuchModuleError

from prefloop.errors import StoreError
from prefloop.store.core.place import name_of, url_of
from prefloop.store.core.private_files import create_private, make_private
from prefloop.store.core.refusals import translated_errors
from prefloop.store.core.single_writer import try_writer_lock, wal_path, writer_lock
from prefloop.store.core.tables import ledger_head

VERSION_TABLE = "prefloop_schema"
"""Not Alembic's default name, which the database of another tool may have too."""

MIGRATIONS = Path(__file__).parents[1] / "migrations"

MIGRATION_LOCK = 0x70726566
"""Key of the advisory lock in PostgreSQL."""

LARGEST_WAL_BYTES = 4 * 2**20
"""Size of SQLite's WAL from which it is checkpointed."""

WAL_STEP_BYTES = 2**20
"""Growth of the WAL between two attempts while a reader still needs it."""

KEPT_CONNECTIONS = 5
"""Connections to SQLite that stay open and read, used in turns; up to ten more are closed after
use. One more writes."""

READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""In PostgreSQL: all statements of a reading transaction see the same snapshot."""

PATIENCE_MS = 60_000
"""Lock timeout of a writer in PostgreSQL; for SQLite see `single_writer.py`."""

_MIGRATING = Lock()
# Alembic keeps the running migration in a global variable: one at a time per process.


class Database:
    """An open database with the newest schema."""

    def __init__(
        self, engine: Engine, name: str, *, reader: Engine | None = None, read_only: bool = False
    ) -> None:
        """`reader` has the connections of reading transactions; None: they take those of `engine`.

        In SQLite a connection that changes between both must parse every statement again.
        """
        self.engine = engine
        self.name = name
        self._lock = Lock()
        self._is_read_only = read_only
        self._is_sqlite = engine.dialect.name == "sqlite"
        self.reader = reader or (engine if self._is_sqlite else engine.execution_options(**READING))
        self._tried_at_bytes = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction: a consistent snapshot of the database."""
        with translated_errors(self.name), self.reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is on the disk when it ends, or none of it."""
        with translated_errors(self.name), self._lock, self._writer_lock():
            with _begun(self.engine) as connection:
                if not self._is_sqlite:
                    # PostgreSQL waits here for other writers; SQLite did so at BEGIN IMMEDIATE.
                    connection.execute(sa.select(ledger_head.c.id).with_for_update())
                yield connection
            if self._is_sqlite:
                self._tried_at_bytes = _keep_wal_small(self.engine, self.name, self._tried_at_bytes)

    def close(self) -> None:
        """Close all connections."""
        # The last connection to close an SQLite database checkpoints the WAL, even a reader.
        with try_writer_lock(self.name) if self._is_sqlite else nullcontext():
            self.dispose()

    def dispose(self) -> None:
        """Close all connections without the lock: of a database that nobody else has open."""
        self.reader.dispose()
        self.engine.dispose()

    def _writer_lock(self) -> AbstractContextManager[None]:
        # The database itself refuses writes by a reader, which must not create the lock file.
        is_writer = self._is_sqlite and not self._is_read_only
        return writer_lock(self.name) if is_writer else nullcontext()


@contextmanager
def _begun(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes."""
    with engine.connect() as connection, connection.execution_options(is_writing=True).begin():
        yield connection


def open_database(
    url_or_path: str | Path, *, read_only: bool = False, page_cache_kib: int | None = None
) -> Database:
    """Return the database at a path or URL, created or upgraded to the newest schema.

    `page_cache_kib` is what each connection to SQLite may keep in memory; None: SQLite's default.
    With it the connections that stay open are opened at once.
    """
    url = url_of(url_or_path)
    name = name_of(url)
    if read_only and url.get_backend_name() == "sqlite" and not Path(name).exists():
        raise StoreError(f"{name}: there is no store here. Check the path.")
    engine = _engine(url, read_only=read_only, page_cache_kib=page_cache_kib)
    reader = None
    if engine.dialect.name == "sqlite" and not read_only:
        reader = _engine(url, read_only=True, page_cache_kib=page_cache_kib)
    database = Database(engine, name, reader=reader, read_only=read_only)
    try:
        with translated_errors(name):
            if not read_only:
                with database._writer_lock():
                    _create(database.engine, name)
            elif _is_outdated(database.engine, name):
                # A store that an earlier version made is upgraded before it is read.
                open_database(url_or_path).close()
            if page_cache_kib is not None:
                _open_all(database.reader)
    except BaseException:
        database.close()
        raise
    return database


def _open_all(engine: Engine) -> None:
    """Open the connections that stay open. Opened at peaks, one by one, they fill for hours."""
    with ExitStack() as opened:
        for _ in range(KEPT_CONNECTIONS):
            opened.enter_context(engine.connect())


def _create(engine: Engine, name: str) -> None:
    """Create or upgrade a database; only its owner may read a file of SQLite."""
    is_file = engine.dialect.name == "sqlite"
    if is_file:
        create_private(Path(name))
    _bring_up_to_date(engine, name)
    # Not before: a file that is no store of ours stays as it is.
    if is_file:
        make_private(Path(name))


def _engine(url: URL, *, read_only: bool, page_cache_kib: int | None) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    kept = KEPT_CONNECTIONS if read_only else 1
    try:
        engine = sa.create_engine(url, pool_size=kept) if is_sqlite else _postgresql(url)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(
            f"{name_of(url)} needs a database driver that is not installed ({error}). "
            "For PostgreSQL: pip install 'psycopg[binary]'."
        ) from error
    if is_sqlite:
        _prepare_sqlite(engine, read_only=read_only, page_cache_kib=page_cache_kib)
        return engine
    return engine.execution_options(postgresql_readonly=True) if read_only else engine


# --- SQLite only, and PostgreSQL only ------------------------------------------------------------
# The only statements that the other database does not have.


def _prepare_sqlite(engine: Engine, *, read_only: bool, page_cache_kib: int | None) -> None:
    """Make every connection durable, with a busy timeout and explicit transactions."""

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        # Python's sqlite3 begins transactions late and never before reads; we send BEGIN ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        # What somebody asked to be erased must not be left in free space of the file.
        connection.execute("PRAGMA secure_delete = ON")
        # A commit would checkpoint too, even while another process writes.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        if page_cache_kib is not None:
            # Negative: in KiB, not in pages.
            connection.execute(f"PRAGMA cache_size = -{page_cache_kib}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {LARGEST_WAL_BYTES}")
        # NORMAL loses acknowledged labels when the power fails.
        connection.execute("PRAGMA synchronous = FULL")

    def begun(connection: Connection) -> None:
        # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later
        # could otherwise fail halfway with "database is locked".
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)


def _keep_wal_small(engine: Engine, name: str, tried_at_bytes: int) -> int:
    """Checkpoint the WAL when it is large; return its size if that was tried.

    The caller holds the writer's lock. The next transaction then restarts the WAL and truncates it
    to its limit, unless a reader still needs it.
    """
    wal = wal_path(name)
    # The transaction is on the disk by now: nothing from here on may look like its failure.
    size = wal.stat().st_size if wal.exists() else 0
    if size <= LARGEST_WAL_BYTES:
        return 0
    if size < tried_at_bytes + WAL_STEP_BYTES:
        return tried_at_bytes
    # If the disk is full, the next write reports it.
    with engine.connect() as connection, suppress(sqlite3.OperationalError):
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return size


def _postgresql(url: URL) -> Engine:
    """An engine with durable commits whose connections survive a restart of the server."""
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": "10"})
    # Writers queue at one row and must then see what the previous writer committed.
    engine = sa.create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")

    def connected(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {PATIENCE_MS}")
            # With `off` a crash of the server would lose acknowledged labels.
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
        connection.commit()

    sa.event.listen(engine, "connect", connected)
    return engine


def _queue_for_migration(connection: Connection) -> None:
    """Serialize migrations among processes. SQLite does so at BEGIN IMMEDIATE."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")


# --- The schema ----------------------------------------------------------------------------------


def _bring_up_to_date(engine: Engine, name: str) -> None:
    if not _is_outdated(engine, name):
        return
    config = _alembic_config()
    with _MIGRATING, _begun(engine) as connection:
        _queue_for_migration(connection)
        # Another process may have migrated meanwhile.
        if _is_behind(connection, name):
            config.attributes["connection"] = connection
            config.attributes["version_table"] = VERSION_TABLE
            upgrade(config, "head")


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _revisions() -> tuple[str, ...]:
    """The schemas that this version knows, the newest first; its files are read once."""
    scripts = ScriptDirectory.from_config(_alembic_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def _is_outdated(engine: Engine, name: str) -> bool:
    """Whether migrations are missing, asked in a connection of its own."""
    with engine.connect() as connection:
        return _is_behind(connection, name)


def _is_behind(connection: Connection, name: str) -> bool:
    """Whether migrations are missing; refuse a database that is newer, or not ours."""
    tables = sa.inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables:
            raise StoreError(
                f"{name} is a database, but not prefloop's: it holds the table {min(tables)}. "
                "Give the path of a store that prefloop made, or a new path."
            )
        return True
    found = connection.execute(
        sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    ).scalar_one_or_none()
    known = _revisions()
    if found is not None and found not in known:
        raise StoreError(
            f"{name} has schema {found}, made by a newer prefloop; this one knows {known[0]}. "
            "Upgrade: pip install --upgrade prefloop."
        )
    return found != known[0]
