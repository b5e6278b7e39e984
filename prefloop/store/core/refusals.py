"""Errors of the database as errors for the user: what is wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from prefloop.errors import DiskError, PrefloopError, StoreAwayError, StoreError

# Names of SQLite (sqlite.org/rescode.html), SQLSTATE of PostgreSQL (its manual, appendix A).
DISK = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_PERM": "permission denied",
    "SQLITE_IOERR": "the disk reported an error",
    "53100": "the database server's disk is full",
    "25006": "the database server is read-only",
}
STORE = {
    "SQLITE_NOTADB": "is not a database. Give the path of a store of prefloop, or a new path",
    "SQLITE_CORRUPT": "is damaged. Put back a backup; keep the damaged file, labels may be saved",
    "SQLITE_CANTOPEN": "cannot be opened. Check that its folder exists and lets you write",
    "SQLITE_CONSTRAINT": "refuses a row that contradicts what it holds",
    "23": "refuses a row that contradicts what it holds",
    "28": "refuses this user or password. Check the URL",
}
MOVED = "takes no more answers, because it has moved. Set `store` in run.yaml, and start again"
AWAY = {
    "SQLITE_CONSTRAINT_TRIGGER": MOVED,
    "PF001": MOVED,
    "SQLITE_BUSY": "is being written by another process. Wait until that is done, and try again",
    "55P03": "is being written by another process. Wait until that is done, and try again",
    "08": "cannot be reached. Check the address, and that the server is running",
    "57P": "cannot be reached: its server is stopping or starting. Try again in a moment",
}


@contextmanager
def translated_errors(name: str) -> Iterator[None]:
    """Raise DiskError, StoreAwayError or StoreError for errors of the database `name`."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(name, error) from error
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{name} stores UTF-8, and {error.object[error.start : error.end]!r} is half of a "
            "character. Repair the text, and try again."
        ) from error


def _translated(name: str, refusal: DBAPIError) -> PrefloopError:
    error = refusal.orig or refusal
    code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
    disk = _meaning(DISK, code)
    if disk is not None:
        return DiskError(
            f"{name} could not be written: {disk}. What was stored before is untouched; "
            "make room or make it writable, and run again."
        )
    away = _meaning(AWAY, code)
    # A server that was not reached, or that disconnected, sends no code.
    if away is None and (
        refusal.connection_invalidated or (isinstance(refusal, OperationalError) and not code)
    ):
        away = AWAY["08"]
    if away is not None:
        return StoreAwayError(f"{name} {away}. The database said: {error}")
    meaning = _meaning(STORE, code) or "reported a problem"
    if not code and "NUL" in str(error):
        meaning = "cannot hold the character NUL. Take it out of the text, or use SQLite"
    return StoreError(f"{name} {meaning}. The database said: {error}")


def _meaning(meanings: dict[str, str], code: str) -> str | None:
    # Both families refine a code by appending to it: SQLITE_IOERR_FSYNC, 23505.
    return next((text for prefix, text in meanings.items() if code.startswith(prefix)), None)
