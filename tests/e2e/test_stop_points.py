"""A run stops at every safe point at which somebody asks it to, and nothing is half done there."""

from pathlib import Path
from typing import get_args

import pytest

from prefloop.progress import StopPoint
from prefloop.run import stops, waiting
from prefloop.run.monitor import RunMonitor
from tests.e2e.live_run import Script, both_rounds, go, make_people_run, opened, owner, result
from tests.e2e.small_run import make_run

POINTS: tuple[StopPoint, ...] = get_args(StopPoint)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here takes a second."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stops, "POLL_SECONDS", 0.01)


def stop_at_each_point(run: Path, monkeypatch: pytest.MonkeyPatch) -> dict[StopPoint, str]:
    """Have ann ask the run to stop right before it asks at each point; return who was obeyed.

    The run's owner releases each request as soon as the trainer has stopped.
    """
    requests: dict[StopPoint, str] = {}
    check_stop = RunMonitor.check_stop

    def pull_and_check(monitor: RunMonitor, point: StopPoint) -> None:
        if point not in requests:
            with opened(run) as store:
                requests[point] = store.stop_requests.pull("ann", f"stop {point}", ()).id
            owner(run).start()
        check_stop(monitor, point)

    monkeypatch.setattr(RunMonitor, "check_stop", pull_and_check)
    return requests


def obeyed(run: Path, requests: dict[StopPoint, str], said: list[str]) -> list[StopPoint]:
    """Return the points at which the run stopped, of those at which it was asked to."""
    with opened(run) as store:
        found = {r.id: r for r in store.stop_requests.all()}
    assert len(found) == len(requests), "each request was released before the next was made"
    assert all(r.stopped_at is not None for r in found.values())
    return [p for p in requests if f"ann stopped the run {p}: stop {p}" in "\n".join(said)]


def test_a_run_that_asks_people_stops_at_every_point_and_ends_the_same(
    straight_people: Path, gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_people_run(tmp_path / "run", gpt2_folder)
    requests = stop_at_each_point(run, monkeypatch)
    script = both_rounds(run)
    go(run, script)
    expected = {*POINTS} - {"between label batches"}
    assert set(requests) == set(obeyed(run, requests, script.said)) == expected
    assert result(run) == result(straight_people)


def test_a_run_of_synthetic_labelers_stops_between_batches_of_labels(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, rounds=1)
    requests = stop_at_each_point(run, monkeypatch)
    script = Script()
    go(run, script, "policy.episodes=16")
    assert set(obeyed(run, requests, script.said)) == {*POINTS} - {"while waiting for labels"}
