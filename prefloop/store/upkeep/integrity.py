"""Integrity checks of a store, on a copy: the store itself is only read."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.label_types.answers import PREFERENCES
from prefloop.progress import Progress
from prefloop.records import LedgerHead
from prefloop.store.core import ledger
from prefloop.store.core.database import Database, open_database
from prefloop.store.core.dialect import copy_file, integrity_problems, merge_wal, open_plain
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import batches, quality_checks, queue
from prefloop.store.labeling.labels import rebuild
from prefloop.store.labeling.quality_checks import rebuild_quality_checks
from prefloop.store.labeling.recount import EXCLUDED
from prefloop.store.upkeep.decisions import check_decisions
from prefloop.store.upkeep.fingerprint import contents, differences
from prefloop.store.upkeep.stored_rows import StoredRows, check_stored_rows
from prefloop.store.upkeep.transfer import copy_everything

DERIVED = (labels, quality_checks)
"""Tables that are the fold of the ledger."""


@dataclass(frozen=True, kw_only=True)
class IntegrityReport:
    """The result of an integrity check."""

    end: LedgerHead | None
    """The end of the ledger as the store has it; None if that cannot be read."""
    n_known: int | None = None
    """Events up to the head that was kept elsewhere; None if there was none, or it is not found."""
    n_rows: dict[str, int]
    """By table."""
    problems: tuple[str, ...]
    """Empty: the store is intact."""
    n_without_hash: Mapping[str, int] = field(default_factory=dict)
    """By table: rows that an earlier version stored, which the ledger does not cover."""
    n_rewritten: int = 0
    """Events whose words were taken out because a person was renamed or erased."""

    @property
    def n_events(self) -> int:
        """Events in the ledger."""
        return self.end.n_events if self.end else 0


def check_integrity(
    place: str | Path, progress: Progress, *, known_head: str | None = None
) -> IntegrityReport:
    """Check pages, foreign keys, ledger and tables of a store, even while it is in use.

    `known_head` is an end of the ledger that was kept elsewhere: without it, a chain that was
    computed again as a whole is not detected. A StoreError if it is no hash.
    """
    known_head = None if known_head is None else ledger.require_hash(known_head)
    with tempfile.TemporaryDirectory(prefix="prefloop-verify-") as folder:
        copy = Path(folder) / "prefloop.db"
        copy_store(place, copy, progress)
        with open_plain(copy) as connection:
            problems = integrity_problems(connection)
        if problems:
            return IntegrityReport(end=None, n_rows={}, problems=tuple(problems))
        with opened(copy) as scratch, scratch.writing() as connection:
            return _check(connection, progress, known_head)


def copy_store(place: str | Path, file: Path, progress: Progress) -> None:
    """Copy a snapshot of a store into a single new file of SQLite."""
    if is_url(place):
        with (
            opened(place, read_only=True) as source,
            source.reading() as connection,
            opened(file) as target,
        ):
            copy_everything(connection, target, progress)
    else:
        copy_file(Path(place), file)
    merge_wal(file)


def is_url(place: str | Path) -> bool:
    """Whether a store is given by URL, not by path."""
    return "://" in str(place)


@contextmanager
def opened(place: str | Path, *, read_only: bool = False) -> Iterator[Database]:
    """The database at a path or URL, closed in the end."""
    database = open_database(place, read_only=read_only)
    try:
        yield database
    finally:
        database.close()


def require_intact(file: Path) -> LedgerHead:
    """Return the end of the ledger in a file without a WAL; a StoreError if it is damaged."""
    with open_plain(file) as connection:
        pages = integrity_problems(connection)
        if pages:
            raise StoreError(f"{file} is damaged: {'; '.join(pages[:3])}.")
        if not sa.inspect(connection).has_table(events.name):
            raise StoreError(f"{file} is a database, but not prefloop's.")
        ledger.verify(connection)
        return ledger.head(connection)


def _check(connection: Connection, progress: Progress, known_head: str | None) -> IntegrityReport:
    problems: list[str] = []
    n_known, stored = None, StoredRows(problems=(), n_without_hash={})
    try:
        progress.say("Reading the ledger.")
        ledger.verify(connection)
        progress.say("Rebuilding the labels from the ledger.")
        problems += _differences_from_ledger(connection)
        problems += check_decisions(connection)
        stored = check_stored_rows(connection)
        problems += stored.problems
        if known_head is not None:
            n_known = ledger.events_up_to(connection, known_head)
    except StoreError as error:
        problems.append(str(error))
    problems += _miscounted(connection)
    return IntegrityReport(
        end=ledger.head(connection),
        n_known=n_known,
        n_rows={name: table.n_rows for name, table in contents(connection).items()},
        problems=tuple(problems),
        n_without_hash=stored.n_without_hash,
        n_rewritten=len(ledger.rewritten(connection)),
    )


def _differences_from_ledger(connection: Connection) -> list[str]:
    """Rebuild the derived tables from the ledger; return which of them differ."""
    before = contents(connection, DERIVED)
    rebuild(connection)
    rebuild_quality_checks(connection)
    found = differences(before, contents(connection, DERIVED))
    return [f"rebuilt from the ledger, {difference}" for difference in found]


def _miscounted(connection: Connection) -> list[str]:
    """Return a problem if the queue's counts of open batches differ from the labels."""
    counted = (
        sa.select(labels.c.comparison_id, sa.func.count().label("n"))
        .where(
            labels.c.ended_by.is_(None),
            labels.c.answer.in_(PREFERENCES),
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
    return [f"the queue has a wrong count of answers for {n_wrong} comparisons"]
