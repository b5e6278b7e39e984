"""A backup while people label: everything acknowledged before it began is in it."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from prefloop.progress import Silent
from prefloop.store.labeling.group_commit import GroupCommit
from prefloop.store.labeling.receipts import Receipt
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up, restore
from prefloop.store.upkeep.integrity import check_integrity
from tests.faults.answering import WORK_ONLY, ask, invite, publish, submission

PER_SECOND = 100
N_LABELERS = 4


@contextmanager
def people_at_work(store: Store, n_answers: int) -> Iterator[list[str]]:
    """Let answers come in at their rate; the list holds the ids of what was acknowledged."""
    luck = random.Random(2019)
    views = [
        view
        for name in invite(store, N_LABELERS)
        for view in store.queue.claim(name, n=n_answers, rng=luck, policy=WORK_ONLY)
    ]
    sent = [submission(view, luck) for view in views]
    acknowledged: list[str] = []
    over = threading.Event()

    def acknowledge(name: str, receipt: Future[Receipt]) -> None:
        if receipt.result():
            acknowledged.append(name)

    def answer(commits: GroupCommit) -> None:
        begun = time.monotonic()
        for number, each in enumerate(sent):
            if over.is_set():
                return
            time.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
            commits.submit(each).add_done_callback(partial(acknowledge, each.label.id))

    with GroupCommit(store.answers, store.queue.claims) as commits:
        thread = threading.Thread(target=answer, args=(commits,))
        thread.start()
        try:
            yield acknowledged
        finally:
            over.set()
            thread.join()


def wait_for(acknowledged: list[str], n: int) -> None:
    deadline = time.monotonic() + 60
    while len(acknowledged) < n:
        assert time.monotonic() < deadline, f"only {len(acknowledged)} answers came in"
        time.sleep(0.002)


def ids_in(place: str | Path) -> set[str]:
    with Store.open(place) as store:
        return {label.id for label in store.labels()}


def test_backups_under_load_hold_all_that_was_acknowledged(
    place: str | Path, tmp_path: Path
) -> None:
    """In both kinds of database; restored and looked over afterwards."""
    with Store.open(place) as store:
        publish(store)
        ask(store, 300, wanted=N_LABELERS)
        before: list[set[str]] = []
        with people_at_work(store, 300) as acknowledged:
            for number in range(2):
                wait_for(acknowledged, len(acknowledged) + 30)
                before.append(set(acknowledged))
                back_up(place, tmp_path / f"backup-{number}.db", Silent())
    for number, known in enumerate(before):
        file = tmp_path / f"backup-{number}.db"
        assert check_integrity(file, Silent()).problems == ()
        restore(file, tmp_path / f"restored-{number}.db", Silent())
        assert known <= ids_in(tmp_path / f"restored-{number}.db")
        assert known


def test_a_backup_does_not_stop_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are acknowledged while the copy is being made, not only before and after."""
    place = tmp_path / "prefloop.db"
    with Store.open(place) as store:
        publish(store)
        ask(store, 200, wanted=N_LABELERS)
        with people_at_work(store, 150) as acknowledged:
            wait_for(acknowledged, 10)
            check = "prefloop.store.upkeep.backup.require_intact"

            def look(_file: Path) -> int:
                # The copy is made and not yet in its place.
                wait_for(acknowledged, len(acknowledged) + 20)
                return 0

            monkeypatch.setattr(check, look)
            back_up(place, tmp_path / "backup.db", Silent())
