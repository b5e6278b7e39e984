"""An upgrade of the schema breaks off anywhere: the store is the old one, whole, or the new one.

`make test` breaks it off at every fifth statement (in PostgreSQL at every tenth, the long upgrades
at every thirtieth), and cuts the power at some moments; `make test-slow` at every statement and
every write to the disk.
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

from prefloop.errors import DiskError
from prefloop.progress import Silent
from prefloop.store.store import Store
from prefloop.store.upkeep.integrity import check_integrity
from tests.faults.conftest import simulated
from tests.faults.simulated_disk import SimulatedDisk
from tests.faults.test_power_loss import come_back
from tests.unit.store.old_schema_for_tests import NEWEST, OLD, Rows, make_old, schema_of
from tests.unit.store.test_upgrade import assert_holds, same_rows, upgraded


class BrokenOffError(Exception):
    """Somebody stumbled over the cable."""


@pytest.fixture(params=OLD)
def revision(request: pytest.FixtureRequest) -> str:
    """Every schema that a prefloop ever had but the newest."""
    return str(request.param)


def is_one_or_the_other(place: str | Path, revision: str, before: Rows) -> bool:
    """Whether a store is the old one, whole (else it must be the new one, whole)."""
    found, held = schema_of(place)
    if found == NEWEST:
        assert_holds(place, upgraded(before, revision))
        return False
    assert found == revision
    assert same_rows(held, before)
    return True


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


def test_it_breaks_off_at_any_statement(place_of_old: str | Path, revision: str) -> None:
    # The later upgrades take few statements.
    in_postgresql = 30 if revision < "0003" else 10
    break_off(place_of_old, revision, every=in_postgresql if "://" in str(place_of_old) else 5)


@pytest.mark.slow
def test_it_breaks_off_at_every_statement(place_of_old: str | Path, revision: str) -> None:
    break_off(place_of_old, revision, every=1)


def break_off(place_of_old: str | Path, revision: str, *, every: int) -> None:
    """Upgrade again and again, broken off later each time, until it is done."""
    before = make_old(place_of_old, revision)
    for n_statements in count(0, every):
        try:
            with breaking_off(n_statements):
                Store.open(place_of_old).close()
            break
        except BrokenOffError:
            assert is_one_or_the_other(place_of_old, revision, before), n_statements
    # The newest upgrade adds one column: some ten statements, with those that look what there is.
    assert n_statements > (9 if revision == "0005" else 15)
    assert not is_one_or_the_other(place_of_old, revision, before)
    assert check_integrity(place_of_old, Silent()).problems == ()


@pytest.fixture(params=["sqlite", "postgresql"])
def place_of_old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """A place without a store, in both kinds of database."""
    if request.param == "sqlite":
        yield tmp_path / "old.db"
        return
    with request.getfixturevalue("postgres").new_database("template0") as url:
        yield url


def cut_the_power(folder: Path, revision: str, *, every: int) -> int:
    """Upgrade again and again, with the power failing later each time; return how often it did."""
    template, luck = folder / "template", random.Random(2019)
    template.mkdir()
    before = make_old(template / "prefloop.db", revision)
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
        is_one_or_the_other(after / "prefloop.db", revision, before)
        Store.open(after / "prefloop.db").close()
        assert not is_one_or_the_other(after / "prefloop.db", revision, before)
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


def test_the_power_fails_at_some_moments(tmp_path: Path, revision: str) -> None:
    # The later upgrades write little.
    assert cut_the_power(tmp_path, revision, every=29 if revision < "0003" else 5) > 3


@pytest.mark.slow
def test_the_power_fails_at_every_moment(tmp_path: Path, revision: str) -> None:
    assert cut_the_power(tmp_path, revision, every=1) > (100 if revision < "0003" else 20)
