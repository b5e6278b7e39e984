"""An upgrade of the schema breaks off anywhere: the store is the old one, whole, or the new one.

`make test` breaks it off at every statement, and cuts the power at some moments; `make test-slow`
at every write to the disk.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest
import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config
from alembic.script import ScriptDirectory

from prefloop.errors import DiskError
from prefloop.progress import Silent
from prefloop.store.core import database, tables
from prefloop.store.core.dialect import insert_page
from prefloop.store.store import Store
from prefloop.store.upkeep.fingerprint import Contents, contents, pages_of
from prefloop.store.upkeep.soundness import examine
from tests.faults.conftest import simulated
from tests.faults.simulated_disk import SimulatedDisk
from tests.faults.test_power_loss import come_back
from tests.unit.store.records_for_tests import fill, label, tie, verdict

MIGRATIONS = Config()
MIGRATIONS.set_main_option("script_location", str(database.MIGRATIONS))
REVISIONS = [s.revision for s in ScriptDirectory.from_config(MIGRATIONS).walk_revisions()]
NEWEST, OLD = REVISIONS[0], REVISIONS[1:]

KEPT = (
    *(tables.prompts, tables.samples, tables.comparisons, tables.comparison_samples),
    *(tables.events, tables.ledger_head, tables.labels, tables.verdicts),
)
"""Tables that every schema had, with these columns."""


class BrokenOffError(Exception):
    """Somebody stumbled over the cable."""


@pytest.fixture(params=OLD)
def revision(request: pytest.FixtureRequest) -> str:
    """Every schema that a prefloop ever had but the newest."""
    return str(request.param)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Store]:
    """What the old store holds."""
    with Store.open(tmp_path / "held.db") as store:
        fill(store)
        store.add_labels([label(0), label(1, labeler="bob"), tie(2)])
        store.add_event("note", {"text": "ünï"})
        store.withdraw_label("l1")
        store.add_verdicts([verdict()])
        yield store


def make_old(place: str | Path, revision: str, held: Store) -> Contents:
    """Make a store of an old schema, and return what it holds."""
    engine = database._engine(database._url(place), read_only=False)
    with database._begun(engine) as connection, held._database.reading() as source:
        MIGRATIONS.attributes["connection"] = connection
        MIGRATIONS.attributes["version_table"] = database.VERSION_TABLE
        upgrade(MIGRATIONS, revision)
        connection.execute(sa.delete(tables.ledger_head))
        for table in KEPT:
            for page in pages_of(source, table):
                insert_page(connection, table, page)
    engine.dispose()
    return content_of(place)[1]


def content_of(place: str | Path) -> tuple[str, Contents]:
    """Return which schema a store has, and what it holds; nothing is upgraded by looking."""
    engine = database._engine(database._url(place), read_only=False)
    version = sa.select(sa.column("version_num")).select_from(sa.table(database.VERSION_TABLE))
    with engine.connect() as connection:
        found = str(connection.execute(version).scalar_one()), contents(connection, KEPT)
    engine.dispose()
    return found


@contextmanager
def breaking_off(n_statements: int) -> Iterator[None]:
    """Let the statement after so many fail, and all that follow."""
    left = n_statements

    def before(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise BrokenOffError

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


def test_it_breaks_off_at_any_statement(
    place_of_old: str | Path, revision: str, held: Store
) -> None:
    before = make_old(place_of_old, revision, held)
    for n_statements in count():
        try:
            with breaking_off(n_statements):
                Store.open(place_of_old).close()
            break
        except BrokenOffError:
            assert content_of(place_of_old) == (revision, before), (
                f"after {n_statements} statements"
            )
    assert n_statements > 20
    assert content_of(place_of_old) == (NEWEST, before)
    assert examine(place_of_old, Silent()).problems == ()


@pytest.fixture(params=["sqlite", "postgresql"])
def place_of_old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """A place without a store, in both kinds of database."""
    if request.param == "sqlite":
        yield tmp_path / "old.db"
        return
    with request.getfixturevalue("postgres").new_database("template0") as url:
        yield url


def cut_the_power(folder: Path, revision: str, held: Store, *, every: int) -> int:
    """Upgrade again and again, with the power failing later each time; return how often it did."""
    template, luck = folder / "template", random.Random(2019)
    template.mkdir()
    before = make_old(template / "prefloop.db", revision, held)
    for n_calls in count(0, every):
        life = folder / f"life-{n_calls}"
        shutil.copytree(template, life)
        disk = SimulatedDisk(f"{folder.name}-{n_calls}")
        disk.load(life)
        if upgraded_before_cut(disk, life / "prefloop.db", n_calls):
            return n_calls // every
        after = folder / f"after-{n_calls}"
        come_back(after, disk.survivors(luck if n_calls % 2 else None))
        disk.scrap()
        version, found = content_of(after / "prefloop.db")
        assert version in (revision, NEWEST)
        assert found == before
        Store.open(after / "prefloop.db").close()
        assert content_of(after / "prefloop.db") == (NEWEST, before)
        shutil.rmtree(life)
        shutil.rmtree(after)
    raise AssertionError("the power failed always")


def upgraded_before_cut(disk: SimulatedDisk, path: Path, n_calls: int) -> bool:
    """Upgrade a store whose power fails after so many writes; say whether it was done before."""
    left = n_calls

    def before_write() -> None:
        nonlocal left
        left -= 1
        if left < 0 and disk.has_power:
            disk.has_power = False
            raise apsw.exception_for(apsw.SQLITE_IOERR)

    disk.before_write = before_write
    with simulated(disk), suppress(DiskError):
        Store.open(path).close()
    return disk.has_power


def test_the_power_fails_at_some_moments(tmp_path: Path, revision: str, held: Store) -> None:
    assert cut_the_power(tmp_path, revision, held, every=29) > 3


@pytest.mark.slow
def test_the_power_fails_at_every_moment(tmp_path: Path, revision: str, held: Store) -> None:
    assert cut_the_power(tmp_path, revision, held, every=1) > 100
