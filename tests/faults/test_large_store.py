"""A large store is verified, made again from its ledger, backed up, and moved there and back.

With 5,000 labels in `make test`, and in `make test-slow` with a million within the promised times.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bench.labeling_store import fill
from prefloop.progress import Silent
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up
from prefloop.store.upkeep.fingerprint import Contents, contents
from prefloop.store.upkeep.integrity import check_integrity, opened
from prefloop.store.upkeep.moving import move

OVERLAP = 10
VERIFY_SECONDS, BACKUP_SECONDS, MOVE_SECONDS = 20.0, 30.0, 300.0
"""What is promised for a million labels."""

SIZES = [
    pytest.param(500, id="5,000 labels"),
    pytest.param(100_000, id="1,000,000 labels", marks=pytest.mark.slow),
]
Made = TypeVar("Made")


@pytest.fixture(scope="module", params=SIZES)
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was filled once."""
    path = tmp_path_factory.mktemp("large") / "prefloop.db"
    with Store.open(path) as store:
        fill(store, request.param, OVERLAP)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(template, tmp_path / "prefloop.db"))


def within(seconds: float, work: Callable[[], Made]) -> Made:
    """Return what `work` returns; it must not take longer."""
    started = time.monotonic()
    made = work()
    took = time.monotonic() - started
    print(f"took {took:.1f} s of {seconds:.0f}")
    assert took <= seconds
    return made


def everything(place: str | Path) -> Contents:
    with opened(place) as database, database.reading() as connection:
        return contents(connection)


def test_the_chain_is_verified_in_time(path: Path) -> None:
    with Store.open(path) as store:
        n_events = within(VERIFY_SECONDS, store.verify_chain)
        assert n_events > 5000


def test_what_is_derived_is_the_same_when_it_is_made_again(path: Path) -> None:
    """Dropped and folded from the ledger: equal, row for row."""
    before = everything(path)
    with Store.open(path) as store:
        assert store.rebuild_labels() == before["labels"].n_rows
    assert everything(path) == before
    assert check_integrity(path, Silent()).problems == ()


def test_a_backup_is_taken_in_time(path: Path, tmp_path: Path) -> None:
    within(BACKUP_SECONDS, lambda: back_up(path, tmp_path / "backup.db", Silent()))
    assert everything(tmp_path / "backup.db") == everything(path)


def test_to_postgresql_and_back_in_time(path: Path, postgres_url: str, tmp_path: Path) -> None:
    before = everything(path)
    with opened(path) as source, source.reading() as connection:
        head = connection.exec_driver_sql("SELECT * FROM ledger_head").one()
    with opened(path) as source:
        assert within(MOVE_SECONDS, lambda: move(source, postgres_url, Silent())) == before
    with opened(postgres_url) as source:
        back = str(tmp_path / "back.db")
        assert within(MOVE_SECONDS, lambda: move(source, back, Silent())) == before
    with Store.open(tmp_path / "back.db") as store:
        assert store.verify_chain() == before["events"].n_rows
    with opened(tmp_path / "back.db") as database, database.reading() as connection:
        assert connection.exec_driver_sql("SELECT * FROM ledger_head").one() == head
    assert everything(tmp_path / "back.db") == before
