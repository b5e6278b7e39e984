"""A function of the caller's after every update: what it is given, and how it ends a run."""

from pathlib import Path

import pytest

from prefloop.figures.metrics_line import MetricsLine
from prefloop.metrics import MetricsLog
from prefloop.progress import Silent, StopRequested
from prefloop.run.monitor import RunMonitor
from prefloop.run.update_calls import OnUpdate
from prefloop.store.store import Store
from tests.unit.run.doubles import PausablePolicy


def line(update: int, kl: float = 1.0) -> dict[str, object]:
    return {"stage": "policy", "round": 0, "update": update, "policy/kl": kl}


def watched(folder: Path, store: Store, on_update: OnUpdate) -> tuple[MetricsLog, RunMonitor]:
    monitor = RunMonitor(store, Silent(), on_update=on_update)
    monitor.attach(PausablePolicy(7, 5))
    return MetricsLog(folder / "metrics.jsonl", monitor.outbox, monitor.update_calls), monitor


def test_every_line_is_handed_over_once_and_at_the_next_safe_point(tmp_path: Path) -> None:
    seen: list[MetricsLine] = []
    with Store.open(tmp_path / "prefloop.db") as store:
        metrics, monitor = watched(tmp_path, store, seen.append)
        metrics.write(line(1, kl=0.5))
        metrics.write(line(2, kl=0.7))
        assert seen == []
        monitor.check_stop("between policy updates")
        monitor.check_stop("between policy updates")
    assert [(each.update, each.values["policy/kl"]) for each in seen] == [(1, 0.5), (2, 0.7)]


def stop_by_true(seen: MetricsLine) -> bool:
    return seen.values["policy/kl"] > 6


def stop_by_raising(seen: MetricsLine) -> None:
    if seen.values["policy/kl"] > 6:
        raise StopRequested("too far")


@pytest.mark.parametrize(
    ("on_update", "told"),
    [(stop_by_true, "True at policy update 7"), (stop_by_raising, "too far")],
)
def test_it_ends_the_run_after_a_checkpoint(tmp_path: Path, on_update: OnUpdate, told: str) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        metrics, monitor = watched(tmp_path, store, on_update)
        policy = PausablePolicy(7, 5)
        monitor.attach(policy)
        metrics.write(line(6))
        monitor.check_stop("between policy updates")
        assert policy.checkpoints == [5]
        metrics.write(line(7, kl=6.5))
        with pytest.raises(StopRequested, match=told):
            monitor.check_stop("between policy updates")
        assert policy.checkpoints == [5, 7]


def test_what_it_raises_itself_is_passed_on(tmp_path: Path) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        metrics, monitor = watched(tmp_path, store, lambda seen: seen.values["policy/none"])
        metrics.write(line(1))
        with pytest.raises(KeyError, match="policy/none"):
            monitor.check_stop("between policy updates")
