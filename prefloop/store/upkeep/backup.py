"""Backing up a store into one file while it is in use, and restoring it.

A backup is complete or absent: it is written beside its place, checked, forced to the disk, and
only then renamed. Copying the file of a running store is no backup: its newest answers are in the
WAL.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from prefloop.errors import StoreAwayError, StoreError
from prefloop.files import disk_refusals, put_in_place
from prefloop.progress import Progress
from prefloop.records import LedgerHead
from prefloop.store.core.dialect import merge_wal, open_plain, reopen_for_answers
from prefloop.store.core.private_files import SIDE_FILES
from prefloop.store.core.single_writer import writer_lock
from prefloop.store.core.tables import events
from prefloop.store.upkeep.integrity import copy_store, is_url, opened, require_intact
from prefloop.store.upkeep.transfer import copy_everything


def back_up(
    place: str | Path, file: Path, progress: Progress, *, force: bool = False
) -> LedgerHead:
    """Write a store into a new file; return the end of its ledger."""
    if file.exists():
        if not force:
            raise StoreError(f"{file} exists already. Give another name, or --force to replace it.")
        if not is_url(place) and Path(place).exists() and file.samefile(place):
            raise StoreError(f"{file} is the store itself. Give the backup a name of its own.")
    with beside(file) as fresh:
        copy_store(place, fresh, progress)
        head = require_intact(fresh)
        take_the_place(fresh, file)
    return head


def restore(file: Path, place: str | Path, progress: Progress, *, force: bool = False) -> int:
    """Replace a store by a backup; return its number of events.

    A store with events that the backup does not have is refused unless forced, and even then it
    is kept under another name. In PostgreSQL the database must be empty.
    """
    if is_url(place):
        with tempfile.TemporaryDirectory(prefix="prefloop-restore-") as folder:
            fresh = Path(folder) / "prefloop.db"
            n_events = _fresh_from(file, fresh, progress)
            with (
                opened(fresh) as backup,
                backup.reading() as connection,
                opened(place) as target,
            ):
                copy_everything(connection, target, progress)
        return n_events
    place = Path(place)
    with beside(place) as fresh:
        n_events = _fresh_from(file, fresh, progress)
        with disk_refusals(place), writer_lock(str(place)):
            if place.exists():
                _require_older(place, fresh, force=force)
                progress.say(f"The former store is kept as {_keep(place)}.")
            take_the_place(fresh, place)
    return n_events


def _fresh_from(file: Path, fresh: Path, progress: Progress) -> int:
    """Copy an intact backup and upgrade its schema; return its number of events."""
    try:
        copy_store(file, fresh, progress)
        n_events = require_intact(fresh).n_events
        with opened(fresh) as database, database.writing() as connection:
            reopen_for_answers(connection)
        merge_wal(fresh)
    except StoreError as error:
        raise StoreError(str(error).replace(str(fresh), str(file))) from error
    return n_events


def _require_older(place: Path, fresh: Path, *, force: bool) -> None:
    """Refuse if the store at `place` is in use, or has an event that the backup does not have."""
    try:
        merge_wal(place)
        newest = _newest_event(place)
    except StoreAwayError:
        raise
    except StoreError as error:
        if force:
            return
        raise StoreError(
            f"{error} With --force the backup replaces it, and the present file is kept under "
            "another name."
        ) from error
    if newest is None or force:
        return
    with open_plain(fresh) as connection:
        query = sa.select(events.c.hash).where(events.c.sequence == newest[0])
        known = connection.execute(query).scalar()
    if known != newest[1]:
        raise StoreError(
            f"{place} has {newest[0]} events, and the backup does not hold the last of them: "
            "answers of people would be lost. With --force the backup replaces it, and the newer "
            "store is kept under another name."
        )


def _newest_event(place: Path) -> tuple[int, str] | None:
    query = sa.select(events.c.sequence, events.c.hash).order_by(events.c.sequence.desc()).limit(1)
    with open_plain(place) as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.sequence, row.hash)


def _keep(place: Path) -> Path:
    """Link the store at `place` and its side files to a second name; return that name."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = place.with_name(f"{place.name}.replaced-{now}")
    for end in ("", *SIDE_FILES):
        if _with_end(place, end).exists():
            os.link(_with_end(place, end), _with_end(kept, end))
    return kept


def take_the_place(fresh: Path, place: Path) -> None:
    """Move a database file without a WAL to its place, where another may have been."""
    for end in SIDE_FILES:
        # SQLite would read stale side files as the newest pages of this one.
        _with_end(place, end).unlink(missing_ok=True)
    put_in_place(fresh, place)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` for a new database; its files are deleted in the end."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    leftovers = [_with_end(fresh, end) for end in ("", *SIDE_FILES, ".writer")]
    with disk_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield fresh
        finally:
            for leftover in leftovers:
                leftover.unlink(missing_ok=True)


def _with_end(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
