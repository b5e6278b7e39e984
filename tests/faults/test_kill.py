"""The server is killed again and again: every answer it confirmed is there, exactly once.

The clients do what the labeling page does: they keep an answer until the server has said that it is
stored, and send it again with the same id when they have not heard.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.labeler_client import Heard, Labeler
from prefloop.progress import Silent
from prefloop.store.store import Store
from prefloop.store.upkeep.integrity import check_integrity
from tests import own_loop
from tests.faults.answering import ask, invite
from tests.faults.server_process import ServerProcess, make_run

N_CLIENTS = 32


def prepare(folder: Path, *, n_questions: int, n_clients: int = N_CLIENTS) -> list[str]:
    """Fill the run's store with questions; return a code for each labeler."""
    with Store.open(folder / "prefloop.db") as store:
        ask(store, n_questions, wanted=3)
        people = [store.people.by_name(name) for name in invite(store, n_clients)]
        return [store.access.invite(person.id) for person in people if person is not None]


@contextmanager
def clients_at_work(address: str, codes: list[str], heard: Heard) -> Iterator[threading.Event]:
    """Let everybody answer in a thread beside the block; the event ends their work."""
    over = threading.Event()

    async def work(labeler: Labeler, at_once: int) -> None:
        async with aclosing(labeler.connection):
            questions: list[dict[str, Any]] = [{}]
            while questions and not over.is_set():
                questions = await labeler.claim(at_once)
                for question in questions:
                    await labeler.answer(question)

    async def all_of_them() -> None:
        labelers = [Labeler(address, heard, seed=number) for number in range(len(codes))]
        # One after the other: many logins at once from one address look like guessing.
        for labeler, code in zip(labelers, codes, strict=True):
            await labeler.enter(code)
        await asyncio.gather(*(work(each, 1 + i % 4) for i, each in enumerate(labelers)))

    def run() -> None:
        try:
            own_loop.run(all_of_them())
        except BaseException as error:
            heard.refusals.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield over
    finally:
        over.set()
        thread.join(120)
    assert not thread.is_alive(), "a client still waits for its answer"
    assert heard.refusals == []


def wait_for(heard: Heard, n_saved: int, seconds: float = 120.0) -> None:
    """Wait until the server has confirmed so many answers."""
    deadline = time.monotonic() + seconds
    while len(heard.saved) < n_saved:
        assert heard.refusals == []
        assert time.monotonic() < deadline, f"only {len(heard.saved)} answers were confirmed"
        time.sleep(0.005)


def kill_and_restart(folder: Path, *, n_kills: int, n_questions: int) -> Heard:
    """Kill the server at random moments while everybody answers; return what was confirmed."""
    moments = random.Random(2019)
    heard = Heard()
    codes = prepare(folder, n_questions=n_questions)
    server = ServerProcess(folder)
    port = server.port
    try:
        with clients_at_work(server.address, codes, heard):
            for _ in range(n_kills):
                wait_for(heard, len(heard.saved) + moments.randrange(1, 60))
                time.sleep(moments.uniform(0.0, 0.05))
                server.kill()
                server = ServerProcess(folder, port=port)
            wait_for(heard, len(heard.saved) + 1)
    finally:
        server.kill()
    return heard


def check(folder: Path, heard: Heard) -> None:
    """Compare the store with what was confirmed."""
    with Store.open(folder / "prefloop.db") as store:
        live = {label.id: label for label in store.labels()}
        brought = Counter(
            event.payload.split('"id": "')[1].split('"')[0]
            for event in store.events()
            if event.kind == "label"
        )
        batch = store.queue.batch(0)
    lost = [name for name in heard.saved if name not in live]
    assert lost == [], f"{len(lost)} of {len(heard.saved)} confirmed answers are lost"
    assert set(brought.values()) == {1}, "an answer was stored twice"
    # Besides, what was on its way when the server died may be there; but then only once, too.
    assert len({(label.comparison_id, label.labeler) for label in live.values()}) == len(live)
    for name, body in heard.saved.items():
        label = live[name]
        place = None if label.chosen is None else str(label.shown.index(label.chosen) + 1)
        assert (place, label.answer) == (body["chosen"], body["answer"])
    assert batch is not None and batch.answered == len(live)
    assert check_integrity(folder / "prefloop.db", Silent()).problems == ()


def test_every_confirmed_answer_survives_kill_9(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    heard = kill_and_restart(folder, n_kills=3, n_questions=500)
    assert len(heard.saved) >= 50
    assert heard.n_repeats > 0, "no request ever met a dead server"
    check(folder, heard)


@pytest.mark.slow
def test_every_confirmed_answer_survives_300_kills(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    heard = kill_and_restart(folder, n_kills=300, n_questions=10_000)
    check(folder, heard)
