"""A database that lies where nothing can be written, opened as a copy that is thrown away.

SQLite makes files beside a database in WAL mode even to read it, and an earlier schema is upgraded
before it is read. So the file and its WAL are copied, and the copy is what is opened.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Connection

from prefloop.access import is_write_protected
from prefloop.errors import StoreError
from prefloop.files import disk_refusals
from prefloop.store.core.database import Database, open_database
from prefloop.store.core.place import refuse_closed

OWNER_ONLY = 0o600

PARTS = ("", "-wal")
TRIES = 5
"""How often a database is copied that is written from elsewhere meanwhile."""


class DatabaseCopy(Database):
    """A copy in a temporary folder, under the name of the original. Closing it removes it."""

    def __init__(
        self, copy: Database, original: str, folder: TemporaryDirectory[str], *, takes_writes: bool
    ) -> None:
        super().__init__(copy.engine, original, reader=copy.reader, read_only=True)
        self._folder = folder
        self._takes_writes = takes_writes

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction on the copy; a StoreError unless it takes writes, which are thrown away."""
        if not self._takes_writes:
            raise StoreError(
                f"{self.name} cannot be written: it lies where nothing can. Copy the run folder "
                "to a disk of your own to change it."
            )
        with super().writing() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections, and remove the copy."""
        self.dispose()
        self._folder.cleanup()


def open_copy(original: Path, *, takes_writes: bool = False) -> Database:
    """Return a copy of the database at a path, upgraded to the newest schema."""
    place, folder = _copied(original)
    try:
        copy = open_database(place)
        return DatabaseCopy(copy, str(original), folder, takes_writes=takes_writes)
    except BaseException:
        folder.cleanup()
        raise


@contextmanager
def readable(place: str | Path) -> Iterator[str | Path]:
    """Give a database's place, or that of a copy if it lies where nothing can be written."""
    is_url = isinstance(place, str) and "://" in place
    if is_url or not Path(place).is_file() or not is_write_protected(Path(place)):
        yield place
        return
    copy, folder = _copied(Path(place))
    with folder:
        yield copy


def _copied(original: Path) -> tuple[Path, TemporaryDirectory[str]]:
    """Return a copy of a database with its WAL, and the folder that it lies in.

    Whoever may write there can do so meanwhile: a file and a WAL of two moments are no database.
    """
    refuse_closed(original)
    folder = TemporaryDirectory(prefix="prefloop-")
    place = Path(folder.name) / original.name
    try:
        for _ in range(TRIES):
            before = _stamps(original)
            with disk_refusals(place):
                _copy_parts(original, place)
            if _stamps(original) == before:
                return place, folder
        raise StoreError(
            f"{original} changed while it was copied, {TRIES} times: somebody writes it from "
            "elsewhere. Run the command again when that has ended."
        )
    except BaseException:
        folder.cleanup()
        raise


def _copy_parts(original: Path, place: Path) -> None:
    for end in PARTS:
        part, copy = (path.with_name(path.name + end) for path in (original, place))
        if part.is_file():
            shutil.copyfile(part, copy)
            copy.chmod(OWNER_ONLY)
        else:
            copy.unlink(missing_ok=True)


def _stamps(original: Path) -> list[tuple[int, int] | None]:
    """Return size and time of the database and its WAL; None for what is not there."""
    parts = [original.with_name(original.name + end) for end in PARTS]
    found = [part.stat() if part.is_file() else None for part in parts]
    return [None if each is None else (each.st_size, each.st_mtime_ns) for each in found]
