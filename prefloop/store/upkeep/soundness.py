"""Whether a store is what it should be, looked at on a copy: the store itself is only read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.progress import Progress
from prefloop.store.core import ledger
from prefloop.store.core.database import Database, open_database
from prefloop.store.core.dialect import copy_file, plainly, settle, unsound_pages
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import batches, checks, queue
from prefloop.store.labeling.labels import rebuild
from prefloop.store.labeling.quality_checks import rebuild_checks
from prefloop.store.labeling.recount import EXCLUDED, WITH_PREFERENCE
from prefloop.store.upkeep.fingerprint import contents, differences
from prefloop.store.upkeep.transfer import copy_everything

DERIVED = (labels, checks)
"""Tables that are nothing but the fold of the ledger."""


@dataclass(frozen=True, kw_only=True)
class Soundness:
    """What a look at a whole store found."""

    n_events: int
    n_rows: dict[str, int]
    """By table."""
    problems: tuple[str, ...]
    """Empty: the store is sound."""


def examine(place: str | Path, progress: Progress) -> Soundness:
    """Look at pages, pointers, ledger and derived tables of a store, whoever uses it meanwhile."""
    with tempfile.TemporaryDirectory(prefix="prefloop-verify-") as folder:
        copy = Path(folder) / "prefloop.db"
        copy_store(place, copy, progress)
        with plainly(copy) as connection:
            problems = unsound_pages(connection)
        if problems:
            return Soundness(n_events=0, n_rows={}, problems=tuple(problems))
        with opened(copy) as scratch, scratch.writing() as connection:
            return _look_at(connection, progress)


def copy_store(place: str | Path, file: Path, progress: Progress) -> None:
    """Copy a store, as it is at one moment, into a new file of SQLite that needs no other."""
    if is_url(place):
        with (
            opened(place, read_only=True) as source,
            source.reading() as connection,
            opened(file) as target,
        ):
            copy_everything(connection, target, progress)
    else:
        copy_file(Path(place), file)
    settle(file)


def is_url(place: str | Path) -> bool:
    """Whether a store is meant that is no file."""
    return "://" in str(place)


@contextmanager
def opened(place: str | Path, *, read_only: bool = False) -> Iterator[Database]:
    """The database at a path or URL, closed in the end."""
    database = open_database(place, read_only=read_only)
    try:
        yield database
    finally:
        database.close()


def require_sound(file: Path) -> int:
    """Return how many events a settled file holds whose pages and ledger are whole."""
    with plainly(file) as connection:
        pages = unsound_pages(connection)
        if pages:
            raise StoreError(f"{file} is damaged: {'; '.join(pages[:3])}.")
        if not sa.inspect(connection).has_table(events.name):
            raise StoreError(f"{file} is a database, but not prefloop's.")
        return ledger.verify(connection)


def _look_at(connection: Connection, progress: Progress) -> Soundness:
    problems: list[str] = []
    n_events = 0
    try:
        progress.say("Reading the ledger.")
        n_events = ledger.verify(connection)
    except StoreError as error:
        problems.append(str(error))
    else:
        progress.say("Making the labels again from the ledger.")
        problems += _unlike_the_ledger(connection)
    problems += _miscounted(connection)
    n_rows = {name: table.n_rows for name, table in contents(connection).items()}
    return Soundness(n_events=n_events, n_rows=n_rows, problems=tuple(problems))


def _unlike_the_ledger(connection: Connection) -> list[str]:
    """Return which derived tables are not what the ledger says, after making them again."""
    before = contents(connection, DERIVED)
    rebuild(connection)
    rebuild_checks(connection)
    found = differences(before, contents(connection, DERIVED))
    return [f"made again from the ledger, {line}" for line in found]


def _miscounted(connection: Connection) -> list[str]:
    """Return what is wrong with the queue's count of answers in batches that are still open."""
    counted = (
        sa.select(labels.c.comparison_id, sa.func.count().label("n"))
        .where(
            labels.c.ended_by.is_(None),
            labels.c.answer.in_(WITH_PREFERENCE),
            labels.c.labeler.not_in(EXCLUDED),
        )
        .group_by(labels.c.comparison_id)
        .subquery()
    )
    n_found = sa.func.coalesce(counted.c.n, 0)
    query = (
        sa.select(sa.func.count())
        .select_from(
            queue.join(batches, batches.c.round == queue.c.round).outerjoin(
                counted, counted.c.comparison_id == queue.c.comparison_id
            )
        )
        .where(batches.c.frozen_at.is_(None), queue.c.answered != n_found)
    )
    n_wrong = connection.execute(query).scalar_one()
    if not n_wrong:
        return []
    return [f"{n_wrong} questions of the queue count other answers than there are"]
