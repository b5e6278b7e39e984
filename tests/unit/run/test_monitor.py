"""The line: what the trainer tells, what it does when the cord is taut, a store that is away."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import CheckpointError, StoreAwayError
from prefloop.run.monitor import STOPPED, Line, RolledBack
from prefloop.store.store import Store
from prefloop.teamwork import StopRequest


class Heard:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.loss_mask: list[tuple[str, int, int, str]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        self.loss_mask.append((what, done, total, detail))


class Policy:
    """A policy at an update, with checkpoints."""

    def __init__(self, update: int = 0, *checkpoints: int) -> None:
        self.update = update
        self.checkpoints = list(checkpoints)
        self.rolled_back_by = ""
        self.is_damaged = False

    def keep(self) -> None:
        if self.update not in self.checkpoints:
            self.checkpoints.append(self.update)

    def go_back(self, cord: StopRequest) -> None:
        if self.is_damaged:
            raise CheckpointError("checkpoint-000003 cannot be gone back to: it has changed.")
        assert cord.roll_back_to is not None
        self.update, self.rolled_back_by = cord.roll_back_to, cord.id


class Turns:
    """Instead of sleeping: what others do meanwhile, one thing per second."""

    def __init__(self, *turns: Callable[[], object]) -> None:
        self.turns = list(turns)

    def __call__(self, _seconds: float) -> None:
        self.turns.pop(0)()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        yield opened


def release(store: Store, action: Any = "resume", to: int | None = None) -> None:
    cord = store.cord.taut()
    assert cord is not None
    store.cord.release(cord.id, "olga", "read ten samples", action, to)


def test_a_count_is_heard_by_the_terminal_and_by_those_who_watch(store: Store) -> None:
    heard = Heard()
    line = Line(store, heard)
    line.round, line.note = 2, "labels 3 of 8"
    line.hold(Policy(7, 0, 5), lambda cord: None)
    line.count("improving the policy", 3, 10, "KL 2.0 nats")
    assert heard.loss_mask == [("improving the policy", 3, 10, "KL 2.0 nats; labels 3 of 8")]
    state = store.updates.state()
    assert state is not None
    assert (state.phase, state.round, state.done, state.total) == ("improving the policy", 2, 3, 10)
    assert (state.detail, state.checkpoints) == ("KL 2.0 nats; labels 3 of 8", (0, 5))


def test_a_long_step_beats_on_and_a_dead_trainer_does_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.run.monitor.HEART_SECONDS", 0.01)
    line = Line(store, Heard())

    def last() -> float:
        state = store.updates.state()
        return 0.0 if state is None else state.beat_at

    with line.alive():
        assert last() == 0.0, "nothing was said yet"
        line.beat("training the reward model", 1, 9)
        said = last()
        deadline = time.monotonic() + 20
        while last() == said and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert last() > said
    ended = last()
    threading.Event().wait(0.05)
    assert last() == ended


def test_a_taut_cord_stops_the_line_with_a_checkpoint_until_it_is_released(store: Store) -> None:
    heard, policy = Heard(), Policy(7, 0)
    seen: list[tuple[str, int | None]] = []

    def watch() -> None:
        state, cord = store.updates.state(), store.cord.taut()
        assert state is not None and cord is not None
        seen.append((state.phase, cord.update))

    line = Line(store, heard, sleep=Turns(watch, watch, lambda: release(store)))
    line.hold(policy, policy.go_back)
    line.count("improving the policy", 7, 10)
    store.cord.pull("ann", "it swears", ())
    line.count("improving the policy", 8, 10)
    assert seen == [(STOPPED, 7), (STOPPED, 7)]
    assert policy.checkpoints == [0, 7]
    [cord] = store.cord.all()
    assert cord.stopped_at is not None and cord.update == 7
    assert "ann stopped the line: it swears" in heard.said[0]
    assert "olga released the cord, having checked: read ten samples" in heard.said[1]
    line.count("improving the policy", 9, 10)
    assert len(heard.said) == 2, "a released cord stops nothing"


def test_a_cord_that_was_pulled_before_the_trainer_came_stops_it_at_once(store: Store) -> None:
    store.cord.pull("ann", "it swears", ())
    line = Line(store, Heard(), sleep=Turns(lambda: release(store)))
    policy = Policy(3)
    line.hold(policy, policy.go_back)
    assert policy.checkpoints == [3]
    assert store.cord.all()[0].update == 3


def rolled_back_line(store: Store, policy: Policy, *turns: Callable[[], object]) -> Line:
    line = Line(store, Heard(), sleep=Turns(*turns))
    line.note = "labels 3 of 8"
    line.hold(policy, policy.go_back)
    line.beat("improving the policy")
    store.cord.pull("ann", "it swears", ())
    with pytest.raises(RolledBack):
        line.look()
    return line


def test_a_roll_back_goes_back_and_begins_the_round_again(store: Store) -> None:
    policy = Policy(7, 3, 5)
    line = rolled_back_line(store, policy, lambda: release(store, "roll_back", 3))
    assert policy.update == 3
    assert line.note == "", "what was told of the abandoned round is told no longer"
    line.look()
    assert policy.update == 3, "done once"


def test_a_release_that_came_before_the_trainer_looked_is_carried_out(store: Store) -> None:
    policy = Policy(7, 3, 5)
    line = Line(store, Heard())
    line.hold(policy, policy.go_back)
    line.beat("improving the policy")
    store.cord.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    with pytest.raises(RolledBack):
        line.look()
    assert policy.update == 5


@pytest.mark.parametrize(
    ("policy", "goes_back"),
    [
        (Policy(7, 3, 5), True),
        (Policy(5, 3, 5), True),
        (Policy(3, 3), False),
        (Policy(0), False),
    ],
    ids=["beyond", "exactly there", "before", "all checkpoints deleted"],
)
def test_a_process_that_died_before_it_went_back_goes_back_when_it_starts(
    store: Store, policy: Policy, goes_back: bool
) -> None:
    store.updates.beat(phase="x", round=0, done=0, total=0, checkpoints=(3, 5))
    store.cord.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    before = policy.update
    line = Line(store, Heard())
    if goes_back:
        with pytest.raises(RolledBack):
            line.hold(policy, policy.go_back)
        assert policy.update == 5
    Line(store, Heard()).hold(policy, policy.go_back)
    assert policy.update == (5 if goes_back else before), "what was carried out is not again"


def test_a_roll_back_is_owed_though_the_cord_was_pulled_again_since(store: Store) -> None:
    store.updates.beat(phase="x", round=0, done=0, total=0, checkpoints=(3, 5))
    store.cord.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    store.cord.pull("ben", "it still swears", ())
    policy = Policy(7, 3, 5)
    line = Line(store, Heard(), sleep=Turns(lambda: release(store)))
    with pytest.raises(RolledBack):
        line.hold(policy, policy.go_back)
    assert policy.update == 5
    line.look()
    assert store.cord.all()[1].update == 5, "and then the line stops there"


def test_a_checkpoint_that_is_damaged_stops_the_line_again(store: Store) -> None:
    policy = Policy(7, 3, 5)
    policy.is_damaged = True

    def mended() -> None:
        assert [c.pulled_by for c in store.cord.all()] == ["ann", "the trainer"]
        policy.is_damaged = False
        release(store, "roll_back", 5)

    rolled_back_line(store, policy, lambda: release(store, "roll_back", 3), mended)
    assert policy.update == 5
    assert "cannot be gone back to" in store.cord.all()[1].reason


LINES = [{"stage": "policy", "round": 0, "update": u, "policy/kl": 0.5} for u in (1, 2, 3)]


class Away:
    """The store's database is away while this is entered."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.monkeypatch = store, monkeypatch

    def __enter__(self) -> None:
        def gone(*_arguments: Any, **_named: Any) -> None:
            raise StoreAwayError("postgresql://db cannot be reached.")

        self.broken = self.monkeypatch.context()
        patch = self.broken.__enter__()
        for part, name in (("updates", "write"), ("updates", "beat"), ("cord", "all")):
            patch.setattr(getattr(self.store, part), name, gone)

    def __exit__(self, *_error: object) -> None:
        self.broken.__exit__(None, None, None)


def told(store: Store) -> list[int]:
    return [u.update for u in store.updates.after(0)]


def test_lines_that_the_store_does_not_take_are_kept_and_told_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("prefloop.run.monitor.time.monotonic", lambda: clock[0])
    heard = Heard()
    line = Line(store, heard)
    line.hold(Policy(0), lambda cord: None)
    with Away(store, monkeypatch):
        line.write(LINES[0], [{"prompt": "p"}])
        for _ in range(20):
            clock[0] += 1.0
            line.count("improving the policy", 1, 3)
        line.write(LINES[1], ())
        assert line.glance(lambda _: True) is False, "right after a failure nothing is asked"
    assert told(store) == []
    assert len(heard.said) == 1 and "Training goes on" in heard.said[0]
    clock[0] += 10.0
    line.write(LINES[2], ())
    assert told(store) == [1, 2, 3]
    assert store.updates.after(0)[0].samples == ({"prompt": "p"},)
    assert "The store takes things again" in heard.said[1]
    assert line.glance(lambda _: True)


def test_lines_that_a_dead_process_did_not_tell_are_told_once(store: Store) -> None:
    Line(store, Heard()).write(LINES[1], ())
    for _ in range(2):
        Line(store, Heard()).catch_up(LINES)
    assert sorted(told(store)) == [1, 2, 3]


def test_forgotten_lines_are_not_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(store, Heard())
    line.write(LINES[0], ())
    line.write(LINES[1], ())
    with Away(store, monkeypatch):
        line.write(LINES[2], ())
    line.forget_after("policy", 1, None)
    line.close()
    assert told(store) == [1]
