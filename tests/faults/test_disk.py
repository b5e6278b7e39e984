"""The disk fills up, fails, or becomes read-only, and is well again: nothing confirmed is lost.

The server is told each time, in words, and goes on without a restart once there is room.
"""

import os
import pwd
import random
import resource
import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from bench.labeler_client import Heard, Labeler
from prefloop.errors import DiskError, StoreError
from prefloop.store.core import database
from prefloop.store.store import Store
from prefloop.teamwork import Submission
from tests import own_loop
from tests.faults.answering import WORK_ONLY, ask, invite, publish, submission
from tests.faults.conftest import simulated
from tests.faults.server_process import ServerProcess, make_run
from tests.faults.simulated_disk import SimulatedDisk
from tests.faults.test_kill import check, prepare

FAULTS = {
    apsw.SQLITE_FULL: "the disk is full",
    apsw.SQLITE_IOERR: "the disk reported an error",
    apsw.SQLITE_READONLY: "it is read-only",
}


@pytest.fixture
def store(disk: SimulatedDisk, tmp_path: Path) -> Iterator[Store]:
    """A store on a disk that may fail."""
    with simulated(disk), Store.open(tmp_path / "prefloop.db") as opened:
        publish(opened)
        invite(opened, 2)
        ask(opened, 30)
        yield opened


def submissions(store: Store, luck: random.Random, n: int) -> list[Submission]:
    views = store.queue.claim("labeler-0", n=n, rng=luck, policy=WORK_ONLY)
    return [submission(view, luck) for view in views]


@pytest.mark.parametrize(("fault", "told"), FAULTS.items(), ids=FAULTS.values())
def test_a_disk_that_fails_at_any_write_loses_nothing_and_heals(
    store: Store, disk: SimulatedDisk, fault: int, told: str
) -> None:
    """One failing write after another: the first, the second, ... of a whole transaction."""
    luck = random.Random(fault)
    group = submissions(store, luck, 20)
    n_events = store.verify_chain()
    n_failed = 0
    while True:
        calls_left = n_failed

        def before_write() -> None:
            nonlocal calls_left
            calls_left -= 1
            if calls_left < 0:
                raise apsw.exception_for(fault)

        disk.before_write = before_write
        try:
            receipts = store.answers.submit(group)
            break
        except DiskError as error:
            assert told in str(error)
            assert "What was stored before is untouched" in str(error)
        assert store.verify_chain() == n_events, "half of a transaction is there"
        n_failed += 1
    disk.before_write = lambda: None
    assert n_failed > 5
    assert {receipt.outcome for receipt in receipts} == {"stored"}
    assert store.verify_chain() == n_events + 20
    assert {label.id for label in store.labels()} == {each.label.id for each in group}
    store.add_event("note", {"the disk": "is well again"})


@pytest.mark.parametrize("fault", FAULTS, ids=FAULTS.values())
def test_a_disk_that_fails_while_the_log_is_worked_in_loses_nothing(
    store: Store, disk: SimulatedDisk, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that fails does not undo what it was to work in."""
    monkeypatch.setattr(database, "LARGEST_WAL_BYTES", 1)
    monkeypatch.setattr(database, "WAL_STEP_BYTES", 0)
    luck = random.Random(fault)
    group = submissions(store, luck, 20)
    keep_wal_small, n_refused = database._keep_wal_small, 0

    def refuse() -> None:
        nonlocal n_refused
        n_refused += 1
        raise apsw.exception_for(fault)

    def work_in(*arguments: Any) -> Any:
        disk.before_write = refuse
        try:
            return keep_wal_small(*arguments)
        finally:
            disk.before_write = lambda: None

    monkeypatch.setattr(database, "_keep_wal_small", work_in)
    receipts = store.answers.submit(group)
    assert n_refused > 0
    assert {receipt.outcome for receipt in receipts} == {"stored"}
    monkeypatch.undo()
    store.add_event("note", {"the disk": "is well again"})
    assert {label.id for label in store.labels()} == {each.label.id for each in group}
    store.verify_chain()


def test_the_server_tells_a_full_disk_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """The operating system refuses the server's files more room, and takes that back."""
    folder = make_run(tmp_path / "run")
    codes = prepare(folder, n_questions=400, n_clients=1)
    heard = Heard()
    with ServerProcess(folder) as server:
        told = own_loop.run(_answer_until_full(server, codes[0], heard))
    assert "disk is full" in told
    assert len(heard.saved) >= 20
    check(folder, heard)


async def _answer_until_full(server: ServerProcess, code: str, heard: Heard) -> str:
    labeler = Labeler(server.address, heard, seed=1)
    async with aclosing(labeler.connection):
        await labeler.enter(code)
        for _ in range(5):
            for question in await labeler.claim(4):
                await labeler.answer(question)
        questions = await labeler.claim(4)
        unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
        try:
            body = labeler.body(questions[0])
            name = "00000000-0000-4000-8000-000000000001"
            path = f"/api/answers/{name}"
            for _ in range(3):
                status, answer = await labeler.connection.request("PUT", path, body)
                assert status == 507, answer
            # Who only reads notices nothing.
            assert (await labeler.insist("GET", "/api/answers"))["answers"]
        finally:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
        assert (await labeler.insist("PUT", path, body))["outcome"] == "stored"
        heard.saved[name] = body
        for question in questions[1:]:
            await labeler.answer(question)
    return str(answer["error"]["message"])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def somebody() -> Iterator[None]:
    """Not root, who may write whatever a file says."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_store_that_may_only_be_read_says_so_and_takes_answers_once_it_may(
    open_folder: Path,
) -> None:
    path = open_folder / "prefloop.db"
    with somebody():
        Store.open(path).close()
        files = list(open_folder.iterdir())
        for file in files:
            file.chmod(0o444)
        with pytest.raises((DiskError, StoreError)) as told, Store.open(path) as store:
            store.add_event("note", {})
        assert str(path) in str(told.value)
        assert "writable" in str(told.value)
        for file in files:
            file.chmod(0o666)
        with Store.open(path) as store:
            store.add_event("note", {"the disk": "is well again"})
            assert store.verify_chain() == 1
