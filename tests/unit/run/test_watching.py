"""The watch stops a run as people do, and lets it go where the run no longer asks for stops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.audits.watch import WATCH
from prefloop.run.monitor import RunMonitor
from prefloop.run.watching import release_own_stop, watch_policy
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.run.doubles import PausablePolicy, RecordedProgress, Turns, release


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        yield opened


def config(on_alarm: str) -> RunConfig:
    return parse_run({"audits": {"on_alarm": on_alarm}}, "run.yaml")


def test_an_alarm_pauses_the_run_at_its_next_safe_point_with_the_reason(store: Store) -> None:
    progress, policy = RecordedProgress(), PausablePolicy(1)
    monitor = RunMonitor(store, progress, sleep=Turns(lambda: release(store)))
    monitor.attach(policy)
    watch = watch_policy(config("stop"), monitor)
    watch.begin([])
    watch.report({"stage": "policy", "round": 0, "update": 1, "policy/ratio_mean": 40.0})
    assert policy.checkpoints == [], "reporting is not stopping"
    monitor.check_stop("between policy updates")
    assert policy.checkpoints == [1]
    assert progress.said[0].startswith("Alarm in update 1, ratio far from 1: ")
    assert progress.said[1].startswith(f"{WATCH} stopped the run between policy updates: Alarm in")
    assert "audits.on_alarm=warn" in progress.said[1]


@pytest.mark.parametrize(
    ("on_alarm", "pulled_by", "added", "is_released"),
    [
        ("warn", WATCH, (), True),
        ("warn", WATCH, (WATCH,), True),
        ("stop", WATCH, (), False),
        ("roll_back", WATCH, (), False),
        ("warn", "ann", (), False),
        ("warn", WATCH, ("ann",), False),
    ],
)
def test_only_its_own_stop_is_released_and_only_by_the_setting(
    store: Store, on_alarm: str, pulled_by: str, added: tuple[str, ...], is_released: bool
) -> None:
    for by in (pulled_by, *added):
        store.stop_requests.pull(by, "it swears")
    progress = RecordedProgress()
    release_own_stop(config(on_alarm), RunMonitor(store, progress))
    (request,) = store.stop_requests.all()
    assert (request.released_at is not None) == is_released
    assert bool(progress.said) == is_released
    if is_released:
        assert (request.action, request.released_by) == ("resume", WATCH)


def test_a_run_without_stops_has_nothing_to_release(store: Store) -> None:
    release_own_stop(config("warn"), RunMonitor(store, RecordedProgress()))
    assert store.stop_requests.all() == []
