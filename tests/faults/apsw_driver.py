"""SQLite through apsw, as Python's own sqlite3 module offers it: what SQLAlchemy needs, no more.

apsw lets a test replace the disk under SQLite; sqlite3 does not. The store runs on either with the
same statements.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import apsw

Rewrite = Callable[[str], str]

NAMES = {
    apsw.SQLITE_FULL: "SQLITE_FULL",
    apsw.SQLITE_READONLY: "SQLITE_READONLY",
    apsw.SQLITE_IOERR: "SQLITE_IOERR",
    apsw.SQLITE_BUSY: "SQLITE_BUSY",
    apsw.SQLITE_CONSTRAINT: "SQLITE_CONSTRAINT",
    apsw.SQLITE_CORRUPT: "SQLITE_CORRUPT",
    apsw.SQLITE_CANTOPEN: "SQLITE_CANTOPEN",
}


class Driver:
    """A module in the sense of PEP 249 whose connections use the VFS `vfs`."""

    paramstyle = "qmark"
    threadsafety = 1
    sqlite_version = apsw.sqlite_lib_version()
    sqlite_version_info = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    Error = sqlite3.Error
    Warning = sqlite3.Warning
    DatabaseError = sqlite3.DatabaseError
    InterfaceError = sqlite3.InterfaceError
    DataError = sqlite3.DataError
    OperationalError = sqlite3.OperationalError
    IntegrityError = sqlite3.IntegrityError
    InternalError = sqlite3.InternalError
    ProgrammingError = sqlite3.ProgrammingError
    NotSupportedError = sqlite3.NotSupportedError
    Binary = memoryview

    def __init__(self, vfs: str, rewrite: Rewrite = lambda sql: sql) -> None:
        self._vfs = vfs
        self._rewrite = rewrite

    def connect(self, path: str, **_options: Any) -> "Connection":
        """Open a database."""
        return Connection(apsw.Connection(path, vfs=self._vfs), self._rewrite)


class Connection:
    """A connection; transactions begin and end where the program says so."""

    isolation_level: None = None

    def __init__(self, inner: apsw.Connection, rewrite: Rewrite) -> None:
        self.inner = inner
        self._rewrite = rewrite

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.inner.in_transaction

    @property
    def total_changes(self) -> int:
        """Rows changed since the connection was opened."""
        return self.inner.total_changes()

    def cursor(self) -> "Cursor":
        """Return a new cursor."""
        return Cursor(self.inner, self._rewrite)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Carry out a statement."""
        return self.cursor().execute(sql, parameters)

    def commit(self) -> None:
        """End the transaction, if there is one."""
        if self.inner.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        if self.inner.in_transaction:
            self.execute("ROLLBACK")

    def create_function(
        self, name: str, n: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Make a function known to SQL."""
        self.inner.create_scalar_function(name, function, n, deterministic=deterministic)

    def close(self) -> None:
        """Close the connection."""
        self.inner.close()


class Cursor:
    """The result of one statement, read in whole."""

    arraysize = 1

    def __init__(self, inner: apsw.Connection, rewrite: Rewrite) -> None:
        self._inner = inner
        self._rewrite = rewrite
        self._rows: Iterator[Any] = iter(())
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Carry out a statement."""
        return self.executemany(sql, [parameters])

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> "Cursor":
        """Carry out a statement once for each of `many` parameters."""
        cursor = self._inner.cursor()
        self.description = None

        def describe(running: apsw.Cursor, _sql: str, _parameters: Any) -> bool:
            self.description = [(*column, *(None,) * 5) for column in running.get_description()]
            return True

        cursor.exec_trace = describe
        before = self._inner.total_changes()
        rows: list[Any] = []
        try:
            for parameters in many:
                rows += cursor.execute(self._rewrite(sql), tuple(parameters))
        except apsw.Error as error:
            raise _as_sqlite3(error) from error
        if not self.description:
            self.description = None
            self.rowcount = self._inner.total_changes() - before
            self.lastrowid = self._inner.last_insert_rowid()
        self._rows = iter(rows)
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        """Return the next rows."""
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())


def _as_sqlite3(error: apsw.Error) -> sqlite3.Error:
    kind = sqlite3.OperationalError
    if isinstance(error, apsw.ConstraintError):
        kind = sqlite3.IntegrityError  # type: ignore[assignment]
    told = kind(str(error))
    result: int = cast(Any, error).result  # The stubs of apsw know no attributes of an error.
    told.sqlite_errorname = NAMES.get(result & 0xFF, "SQLITE_ERROR")
    return told
