"""A run that asks people, in this process, with things that happen at chosen moments."""

import _thread
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefloop.metrics import MetricsLog
from prefloop.records import Label
from prefloop.run.loop import run as run_loop
from prefloop.run.monitor import WAITING
from prefloop.run_file import load_run_file
from prefloop.store.store import Store
from prefloop.teamwork import StopRequest
from tests.e2e.labelers import answer_in_store, eventually
from tests.e2e.small_run import make_run

IMPROVING = "training the policy"
LEARNING = "training the reward model"

Moment = Callable[[str, int, int], bool]
"""Whether this count (what, done, total) is the moment."""


class Killed(BaseException):
    """The process died here, as far as this test is concerned."""


class Script:
    """A progress that lets things happen, each once, at the first count that is their moment."""

    def __init__(self, *scenes: tuple[Moment, Callable[[], object]], die_at: int = 10**9) -> None:
        self.scenes = list(scenes)
        self.die_at = die_at
        self.n_counts = 0
        self.said: list[str] = []

    def die(self) -> None:
        """Die at the next count."""
        self.die_at = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        self.n_counts += 1
        if self.n_counts >= self.die_at:
            raise Killed
        for scene in self.scenes:
            moment, action = scene
            if moment(what, done, total):
                self.scenes.remove(scene)
                action()
                return


def make_people_run(folder: Path, model: Path, **people: Any) -> Path:
    """Return the folder of a run of two rounds, 12 answers and 6 updates each."""
    comparisons = {"labelers": "people", "labels": 16, "validation_labels": 4}
    comparisons |= {"validation_overlap": 1, **people}
    policy = {"episodes": 96, "batch_size": 8, "checkpoint_every": 2, "epochs": 1}
    # Live questions are in test_live_questions.py.
    audits = {"live": {"questions": 0}}
    return make_run(
        folder,
        model,
        task={"response_tokens": 6},
        comparisons=comparisons,
        policy=policy,
        audits=audits,
        rewards={"normalize_samples": 16},
        evaluation={"prompts": 8, "frontier_prompts": 2},
    )


@contextmanager
def opened(run: Path) -> Iterator[Store]:
    """The run's store, for whoever is not the trainer."""
    with Store.open(run / "prefloop.db") as store:
        yield store


def answers(run: Path) -> Callable[[], object]:
    """Return a scene: ann answers all that is asked."""

    def scene() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann")

    return scene


def waiting(what: str, done: int, total: int) -> bool:
    """The moment at which the trainer waits for labels."""
    return what == WAITING and done < total


def both_rounds(run: Path, **keys: int) -> Script:
    """People answer each round as soon as it is waited for."""
    return Script((waiting, answers(run)), (waiting, answers(run)), **keys)


def n_updates(run: Path) -> int:
    """Return how many updates of the policy are written down."""
    return sum(x["stage"] == "policy" for x in MetricsLog(run / "metrics.jsonl").lines())


def update(run: Path, number: int) -> Moment:
    """The moment after update `number` of the policy."""
    return lambda what, done, total: what == IMPROVING and n_updates(run) == number


def owner(run: Path, action: str = "resume", to: int | None = None) -> threading.Thread:
    """Return an owner who releases the next cord as soon as the trainer stands still."""

    def look_and_release() -> None:
        try:
            with opened(run) as store:
                cord = eventually("the trainer stands still", lambda: _stopped(store))
                store.stop_requests.release(cord.id, "olga", "read ten samples", action, to)  # type: ignore[arg-type]
        except BaseException:
            # The trainer would stand still for ever.
            _thread.interrupt_main()
            raise

    return threading.Thread(target=look_and_release, daemon=True)


def _stopped(store: Store) -> StopRequest | None:
    cord = store.stop_requests.active()
    return cord if cord is not None and cord.stopped_at is not None else None


def pull(run: Path, action: str = "resume", to: int | None = None) -> Callable[[], object]:
    """Return a scene: ann stops the line, and its owner lets it go on."""

    def scene() -> None:
        with opened(run) as store:
            store.stop_requests.pull("ann", "it swears", ())
        owner(run, action, to).start()

    return scene


def go(run: Path, script: Script, *overrides: str) -> None:
    """Run to the end."""
    run_loop(load_run_file(run / "run.yaml", overrides), run, script)


def result(run: Path) -> dict[str, Any]:
    """Return what two runs with the same answers must share, bit for bit."""
    files = [*run.glob("policy/round-*/*.safetensors"), *run.glob("rewards/round-*/*.safetensors")]
    assert len(files) == 10, files
    found: dict[str, Any] = {
        str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files
    }
    found["metrics"] = MetricsLog(run / "metrics.jsonl").lines()
    with opened(run) as store:
        found["samples"] = sorted(store.samples(), key=lambda s: s.id)
        found["labels"] = sorted(_choices(store.labels()))
        store.verify_chain()
    return found


def _choices(labels: list[Label]) -> Iterator[tuple[str, str]]:
    yield from ((label.comparison_id, label.chosen or label.answer) for label in labels)


def told_lines(run: Path) -> list[dict[str, Any]]:
    """Return the lines that those who watch have seen, in the order of the metrics file."""
    with opened(run) as store:
        lines = [dict(u.line) for u in store.updates.after(0)]
    file = MetricsLog(run / "metrics.jsonl").lines()
    order = {json.dumps(line, sort_keys=True): place for place, line in enumerate(file)}
    return sorted(lines, key=lambda line: order.get(json.dumps(line, sort_keys=True), -1))
