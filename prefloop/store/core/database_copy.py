"""A database that lies where nothing can be written, opened as a copy that is thrown away.

SQLite makes files beside a database in WAL mode even to read it, and an earlier schema is upgraded
before it is read. So the file and its WAL are copied, and the copy is what is opened.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Connection, Engine

from prefloop.errors import StoreError
from prefloop.files import disk_refusals, is_write_protected
from prefloop.store.core.database import Database, open_database

OWNER_ONLY = 0o600


class DatabaseCopy(Database):
    """A copy in a temporary folder, under the name of the original. Closing it removes it."""

    def __init__(
        self, engine: Engine, original: str, folder: TemporaryDirectory[str], *, takes_writes: bool
    ) -> None:
        super().__init__(engine, original, read_only=True)
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
        self.engine.dispose()
        self._folder.cleanup()


def open_copy(original: Path, *, takes_writes: bool = False) -> Database:
    """Return a copy of the database at a path, upgraded to the newest schema."""
    place, folder = _copied(original)
    try:
        return DatabaseCopy(
            open_database(place).engine, str(original), folder, takes_writes=takes_writes
        )
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
    """Return a copy of a database with its WAL, and the folder that it lies in."""
    folder = TemporaryDirectory(prefix="prefloop-")
    place = Path(folder.name) / original.name
    try:
        with disk_refusals(place):
            for end in ("", "-wal"):
                part = original.with_name(original.name + end)
                if part.is_file():
                    copy = shutil.copyfile(part, place.with_name(place.name + end))
                    Path(copy).chmod(OWNER_ONLY)
    except BaseException:
        folder.cleanup()
        raise
    return place, folder
