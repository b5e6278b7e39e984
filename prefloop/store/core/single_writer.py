"""One writer among all processes: a lock on the file `<database>.writer`.

SQLite 3.7.0 to 3.51.2 can lose committed data when two connections write or checkpoint at the same
instant, and its own locks do not exclude a checkpoint during a write. So every writer of an SQLite
store holds this lock while it writes or checkpoints, and takes it, if it is free, to close the
store. The operating system releases the lock when its process ends, however that happens.
"""

import fcntl
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedIOBase
from pathlib import Path

from prefloop.errors import DiskError, StoreAwayError, StoreError

PATIENCE_SECONDS = 60.0
"""How long one process waits for another: the largest transactions take seconds."""

POLL_SECONDS = 0.0005
LONGEST_POLL_SECONDS = 0.005


# Both are kept. A path that is made for each write enters names in the interpreter's table of
# strings and takes them out again; after some thousand writes that table has to be twice as large.


@lru_cache(maxsize=16)
def lock_path(database: str) -> Path:
    """Return the file whose lock a writer of this database holds."""
    return Path(f"{database}.writer")


@lru_cache(maxsize=16)
def wal_path(database: str) -> Path:
    """Return the write-ahead log of a database."""
    return Path(f"{database}-wal")


@contextmanager
def writer_lock(database: str) -> Iterator[None]:
    """Hold the lock; a StoreAwayError if another process holds it for a minute."""
    path = lock_path(database)
    try:
        file = path.open("ab")
    except OSError as error:
        raise DiskError(
            f"{database} could not be written: {path} cannot be opened ({error.strerror}). "
            "Make its folder writable, and run again."
        ) from error
    with file:
        if not _is_locked(file, database, PATIENCE_SECONDS):
            raise StoreAwayError(
                f"{database} is being written by another process. Wait until that is done, and "
                "try again."
            )
        yield


@contextmanager
def try_writer_lock(database: str) -> Iterator[None]:
    """Hold the lock if it is free; do not create its file.

    For closing: a process that holds it has the database open, and only the last connection to
    close checkpoints the WAL.
    """
    try:
        file = lock_path(database).open("rb")
    except OSError:
        # The store was never written with this lock, or the file cannot be opened.
        yield
        return
    with file:
        _is_locked(file, database, patience_seconds=0.0)
        yield


def _is_locked(file: BufferedIOBase, database: str, patience_seconds: float) -> bool:
    """Lock the file until it is closed; False if that takes longer than `patience_seconds`.

    `flock` has no timeout, so this polls.
    """
    deadline = time.monotonic() + patience_seconds
    pause = POLL_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
        except OSError as error:
            raise StoreError(
                f"{database} is on a file system without locks ({error.strerror}). "
                "Move it to a local disk, or use a postgresql:// URL."
            ) from error
        else:
            return True
        # Jitter: two waiting processes must not poll in step.
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(2 * pause, LONGEST_POLL_SECONDS)
