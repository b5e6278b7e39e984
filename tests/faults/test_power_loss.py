"""The power fails at random moments: every acknowledged answer is there when it comes back.

`kill -9` cannot show this, since the operating system still writes what a dead process left. So the
store runs on a simulated disk, with its own statements, and each life ends in a cut of the power.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa

from prefloop.errors import DiskError
from prefloop.progress import Silent
from prefloop.records import Label
from prefloop.store.labeling.group_commit import GroupCommit
from prefloop.store.store import Store
from prefloop.store.upkeep.integrity import check_integrity
from tests.faults.answering import WORK_ONLY, ask, invite, publish, submission
from tests.faults.apsw_driver import Driver, Rewrite
from tests.faults.simulated_disk import SimulatedDisk
from tests.unit.store.records_for_tests import fill, label

N_QUESTIONS, N_LABELERS = 50, 7
NAMES = [f"labeler-{number}" for number in range(N_LABELERS)]
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


Work = Callable[[Store, random.Random, list[str]], None]
"""Stores answers for ever, and notes the id of each that was acknowledged."""


def one_by_one() -> Work:
    """Return work in which every answer is a commit of its own."""
    numbers = iter(range(10**9))

    def work(store: Store, _luck: random.Random, acknowledged: list[str]) -> None:
        for number in numbers:
            store.add_label(answer(number))
            acknowledged.append(f"answer-{number}")

    return work


def as_people_do(store: Store, luck: random.Random, acknowledged: list[str]) -> None:
    """Take questions and answer them, several people at once, in common commits."""
    with GroupCommit(store.answers, store.queue.claims) as commits:
        while True:
            views = [
                view
                for name in NAMES
                for view in store.queue.claim(name, n=2, rng=luck, policy=WORK_ONLY)
            ]
            assert views, "the questions ran out"
            for receipt in [commits.submit(submission(view, luck)) for view in views]:
                acknowledged.append(receipt.result().label_id)


def lives(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Work,
    *,
    answers: int,
    rewrite: Rewrite = as_written,
) -> Outcome:
    """Store answers, life after life, until so many were acknowledged."""
    luck, outcome = random.Random(2019), Outcome()
    create_engine = sa.create_engine
    while outcome.n_acknowledged < answers:
        disk = SimulatedDisk(f"{folder.parent.name}-{outcome.n_cuts}")
        disk.load(folder)
        module = Driver(disk.name, rewrite)
        monkeypatch.setattr(sa, "create_engine", partial(create_engine, module=module))
        acknowledged = one_life(folder / "prefloop.db", disk, luck, work)
        monkeypatch.setattr(sa, "create_engine", create_engine)
        outcome.n_cuts += 1
        shutil.rmtree(folder)
        folder = folder.with_name(f"life-{outcome.n_cuts}")
        # Every other disk keeps some of what it was not told to keep.
        come_back(folder, disk.survivors(luck if outcome.n_cuts % 2 else None))
        disk.scrap()
        outcome.n_acknowledged += len(acknowledged)
        outcome.n_lost += len(set(acknowledged) - stored(folder / "prefloop.db"))
    assert check_integrity(folder / "prefloop.db", Silent()).problems == ()
    return outcome


def one_life(path: Path, disk: SimulatedDisk, luck: random.Random, work: Work) -> list[str]:
    """Work until the power fails; return the ids of the answers that were acknowledged."""
    calls_left = luck.randrange(CALLS_PER_LIFE)

    def before_write() -> None:
        nonlocal calls_left
        calls_left -= 1
        if calls_left < 0:
            disk.has_power = False
            raise apsw.exception_for(apsw.SQLITE_IOERR)

    acknowledged: list[str] = []
    store = Store.open(path)
    disk.before_write = before_write
    with closing(store):
        with pytest.raises(DiskError):
            work(store, luck, acknowledged)
        # What closes now is only this process.
        disk.before_write = lambda: None
    return acknowledged


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
    outcome = lives(folder, monkeypatch, one_by_one(), answers=1500)
    assert outcome.n_acknowledged >= 1500
    assert outcome.n_cuts >= 5
    assert outcome.n_lost == 0


def test_no_answer_of_people_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(folder / "prefloop.db") as store:
        publish(store)
        invite(store, len(NAMES))
        ask(store, 400, wanted=len(NAMES))
    outcome = lives(folder, monkeypatch, as_people_do, answers=1000)
    assert outcome.n_acknowledged >= 1000
    assert outcome.n_cuts >= 3
    assert outcome.n_lost == 0


@pytest.mark.slow
def test_no_answer_of_thirty_thousand_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = lives(folder, monkeypatch, one_by_one(), answers=30_000)
    print(outcome)
    assert outcome.n_acknowledged >= 30_000
    assert outcome.n_cuts >= 100
    assert outcome.n_lost == 0


def test_the_simulation_sees_what_speed_would_lose(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the store to say synchronous=NORMAL, answers would be lost: the test is not blind."""
    outcome = lives(folder, monkeypatch, one_by_one(), answers=300, rewrite=for_speed)
    assert outcome.n_lost > 0
