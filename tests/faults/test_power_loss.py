"""The power fails at random moments: every acknowledged answer is there when it comes back.

`kill -9` cannot show this, since the operating system still writes what a dead process left. So the
store runs on a simulated disk, with its own statements, and each life ends in a cut of the power.
"""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa

from prefloop.errors import DiskError
from prefloop.records import Label
from prefloop.store.store import Store
from tests.faults.apsw_driver import Driver, Rewrite
from tests.faults.simulated_disk import SimulatedDisk
from tests.unit.store.records_for_tests import fill, label

N_QUESTIONS, N_LABELERS = 50, 7
CALLS_PER_LIFE = 6000
"""Writes and syncs until the cut, at most; a commit takes about thirty."""

FULL = "PRAGMA synchronous = FULL"
NORMAL = "PRAGMA synchronous = NORMAL"


@dataclass
class Outcome:
    """What became of the answers of all lives."""

    n_acknowledged: int = 0
    n_lost: int = 0
    n_cuts: int = 0


def as_written(sql: str) -> str:
    return sql


def for_speed(sql: str) -> str:
    """What the store would say if it had chosen speed."""
    return NORMAL if sql == FULL else sql


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with questions, safely on the disk."""
    place = tmp_path / "life-0"
    place.mkdir()
    with Store.open(place / "prefloop.db") as store:
        fill(store, N_QUESTIONS)
    return place


def answer(number: int) -> Label:
    """An answer; after a while labelers change their minds, which ends their earlier answers."""
    labeler = f"ann-{number % N_LABELERS}"
    asked = label(number, labeler=labeler, question=number % N_QUESTIONS)
    return replace(asked, id=f"answer-{number}")


def lives(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, commits: int, rewrite: Rewrite
) -> Outcome:
    """Store answers, life after life, until so many were acknowledged."""
    luck = random.Random(2019)
    outcome, numbers = Outcome(), iter(range(100 * commits))
    create_engine = sa.create_engine
    while outcome.n_acknowledged < commits:
        disk = SimulatedDisk(f"disk-{outcome.n_cuts}")
        disk.load(folder)
        module = Driver(disk.name, rewrite)
        monkeypatch.setattr(sa, "create_engine", partial(create_engine, module=module))
        acknowledged = one_life(folder / "prefloop.db", disk, luck, numbers)
        monkeypatch.setattr(sa, "create_engine", create_engine)
        outcome.n_cuts += 1
        folder = folder.with_name(f"life-{outcome.n_cuts}")
        # Every other disk keeps some of what it was not told to keep.
        come_back(folder, disk.survivors(luck if outcome.n_cuts % 2 else None))
        outcome.n_acknowledged += len(acknowledged)
        outcome.n_lost += len(set(acknowledged) - stored(folder / "prefloop.db"))
    with Store.open(folder / "prefloop.db") as store:
        assert store.verify_chain() == store.rebuild_labels()
    return outcome


def one_life(
    path: Path, disk: SimulatedDisk, luck: random.Random, numbers: Iterator[int]
) -> list[str]:
    """Store answers until the power fails; return the ids of those that were acknowledged."""
    calls_left = luck.randrange(CALLS_PER_LIFE)

    def before_write() -> None:
        nonlocal calls_left
        calls_left -= 1
        if calls_left < 0 and disk.has_power:
            disk.has_power = False
            raise apsw.exception_for(apsw.SQLITE_IOERR)

    acknowledged = []
    store = Store.open(path)
    disk.before_write = before_write
    try:
        for number in numbers:
            store.add_label(answer(number))
            acknowledged.append(f"answer-{number}")
    except DiskError:
        return acknowledged
    finally:
        store.close()
    raise AssertionError("the power never failed")


def come_back(folder: Path, survivors: dict[str, bytes]) -> None:
    """Give the machine its power back: the files are what the disk kept."""
    folder.mkdir()
    for path, content in survivors.items():
        (folder / Path(path).name).write_bytes(content)


def stored(path: Path) -> set[str]:
    """Return the ids of all answers that are there, after checking every page of the database."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = {name for (name,) in connection.execute("SELECT id FROM labels")}
    connection.close()
    return found


def test_no_acknowledged_answer_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = lives(folder, monkeypatch, commits=3000, rewrite=as_written)
    assert outcome.n_acknowledged >= 3000
    assert outcome.n_cuts >= 10
    assert outcome.n_lost == 0


@pytest.mark.slow
def test_no_answer_of_thirty_thousand_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = lives(folder, monkeypatch, commits=30_000, rewrite=as_written)
    assert outcome.n_acknowledged >= 30_000
    assert outcome.n_cuts >= 100
    assert outcome.n_lost == 0


def test_the_simulation_sees_what_speed_would_lose(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the store to say synchronous=NORMAL, answers would be lost: the test is not blind."""
    outcome = lives(folder, monkeypatch, commits=300, rewrite=for_speed)
    assert outcome.n_lost > 0
