"""The evidence budget holds while the store is away: the policy goes by what was known last."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.audits.live import LiveView
from prefloop.errors import StoreAwayError
from prefloop.figures.live import LiveFigures
from prefloop.run import best_effort, live
from prefloop.run.live import LiveWatch
from prefloop.run.monitor import RunMonitor
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from tests.unit.run.doubles import PausablePolicy, RecordedProgress, Turns, release


class People:
    """What is known of the answers, while the store is not away."""

    def __init__(self) -> None:
        self.judged: int | None = None
        self.is_away = False
        self.meanwhile = Turns()

    def __call__(self, store: Store, alpha: float) -> LiveView:
        while self.is_away:
            if isinstance(store, Store):
                raise StoreAwayError("postgresql://db cannot be reached.")
            self.meanwhile(1.0)  # The run's own store is patient.
        figures = LiveFigures(
            since_update=0,
            asked=0,
            people=(),
            wins=0,
            ties=0,
            losses=0,
            judged_update=self.judged,
            wealth=1.0,
            stops_at=1 / alpha,
        )
        return LiveView(figures=figures, questions=(), lost=(), open=frozenset(), n_asked_ever=0)


class Watched:
    """A policy in training, half a nat farther with each update, and the watch on it."""

    def __init__(self, store: Store, run: Path, **limits: Any) -> None:
        self.progress = RecordedProgress()
        self.policy = PausablePolicy(0, 0)
        kls = {update: 0.5 * update for update in range(1, 100)}
        trainer = SimpleNamespace(config=SimpleNamespace(updates=10**9))
        vars(self.policy).update(
            run=run, trainer=trainer, watch=SimpleNamespace(kls=lambda: kls), current_name="policy"
        )
        monitor = RunMonitor(store, self.progress, sleep=Turns(lambda: release(store)))
        monitor.attach(self.policy)
        settings = {"comparisons": {"labelers": "people"}, "audits": {"live": limits}}
        config = parse_run(settings, "run.yaml")
        policy = cast(Any, self.policy)
        people = drawer = cast(Any, None)
        self.watch = LiveWatch(config, monitor, people, policy, drawer, {})
        self.waited: list[int] = []
        self.watch._wait = lambda reason: self.waited.append(self.policy.update)  # type: ignore[method-assign]

    def go_to(self, update: int) -> None:
        """Attend to every update up to this one."""
        for now in range(self.policy.update + 1, update + 1):
            self.policy.update = now
            self.watch.attend()


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[Store]:
    with Store.open(sqlite_path) as opened:
        yield opened


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setattr(best_effort, "RETRY_SECONDS", 0.0)
    answers = People()
    monkeypatch.setattr(live, "look_at", answers)
    return answers


LIMITS = [
    ({"updates_without_judgment": 6}, "6 updates since update 0"),
    ({"nats_without_judgment": 2.0}, "the KL has grown by 2.2 nats since update 0"),
]


@pytest.mark.parametrize(("limits", "reason"), LIMITS, ids=["updates", "nats"])
@pytest.mark.parametrize("has_judged", [False, True])
def test_a_store_that_is_away_does_not_lift_the_limit(
    store: Store, people: People, tmp_path: Path, limits: Any, reason: str, has_judged: bool
) -> None:
    def comes_back() -> None:
        people.is_away, people.judged = False, 5 if has_judged else None

    people.meanwhile = Turns(*[lambda: None] * 3, comes_back)
    run = Watched(store, tmp_path, **limits)
    run.go_to(2)
    people.is_away = True
    run.go_to(5)
    assert run.policy.checkpoints == [0] and not run.watch.is_used_up()
    run.go_to(6)
    assert people.meanwhile.turns == [], "it waited as long as the store was away"
    assert run.policy.checkpoints == [0, 6]
    [said] = [text for text in run.progress.said if "waits for the store" in text]
    assert reason in said and "goes on by itself when the store answers" in said
    assert run.waited == ([] if has_judged else [6]), "then for people, if nobody has judged it"
    people.is_away = True
    assert run.watch.is_used_up() == (not has_judged)


def test_a_stop_that_was_asked_for_meanwhile_is_seen_before_the_next_update(
    store: Store, people: People, tmp_path: Path
) -> None:
    def comes_back() -> None:
        people.is_away, people.judged = False, 1
        store.stop_requests.pull("ann", "it swears")

    people.meanwhile = Turns(comes_back)
    run = Watched(store, tmp_path, updates_without_judgment=2)
    run.go_to(1)
    people.is_away = True
    run.go_to(2)
    assert any("ann stopped the run while waiting" in text for text in run.progress.said)
    assert store.stop_requests.active() is None and run.waited == []


def test_where_nothing_is_known_the_store_is_waited_for(
    store: Store, people: People, tmp_path: Path
) -> None:
    """At the start of a process, and where a roll back took back what was judged."""

    def comes_back() -> None:
        people.is_away, people.judged = False, 4

    def is_back() -> None:
        people.is_away = False

    people.meanwhile = Turns(comes_back, is_back)
    run = Watched(store, tmp_path, updates_without_judgment=9)
    people.is_away = True
    run.go_to(5)
    assert "what people have judged was not read yet" in run.progress.said[1]
    people.is_away, run.policy.update = True, 2
    people.judged = 2
    run.go_to(3)
    assert run.policy.checkpoints == [0, 1, 3]
    assert "went back to before what people judged last" in run.progress.said[-2]


def test_without_a_limit_nothing_waits_for_the_store(
    store: Store, people: People, tmp_path: Path
) -> None:
    no_limit = {"updates_without_judgment": None, "nats_without_judgment": None}
    run = Watched(store, tmp_path, **no_limit)
    people.is_away = True
    run.go_to(30)
    assert run.policy.checkpoints == [0] and run.waited == []
