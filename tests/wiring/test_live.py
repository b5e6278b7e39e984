"""Settings of `audits.live` change what people are asked, when they stop a run, when it waits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prefloop.audits.live import LIVE_WATCH, look_at, write_live_audit
from prefloop.metrics import MetricsLog
from prefloop.run.rollback import resume
from prefloop.run.stages import Stages
from prefloop.run_folder import read_run_folder
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire

ASKED, STOPS_AT, WAITS = "questions", "wealth of a stop", "updates at which it waits"
BASE = {"comparisons.labelers": "people", "policy.episodes": 64}
"""Eight updates."""

WIRES = [
    # A policy that waits asks then, which is left out here.
    Wire(setting="audits.live.questions", value=8, changes={ASKED}),
    Wire(setting="audits.live.alpha", value=0.05, changes={STOPS_AT}),
    Wire(setting="audits.live.updates_without_judgment", value=5, changes={ASKED, WAITS}),
    Wire(setting="audits.live.nats_without_judgment", value=2.0, changes={ASKED, WAITS}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    """Return what becomes of eight updates, each with half a nat more, that nobody judges."""
    with assembled({"audits.live.questions": 4, **settings, **BASE}, folder) as stages:
        stages.people.ask(0, [])
        waits: list[int] = []
        stages.live._wait = lambda reason: waits.append(stages.policy.update)  # type: ignore[method-assign]
        for update in range(1, 9):
            stages.policy.trainer.update = update
            line = {"stage": "policy", "round": 0, "update": update, "policy/kl": 0.5 * update}
            stages.metrics.write(line)
            stages.policy.watch.begin(stages.metrics.lines())
            stages.live.attend()
        view = look_at(stages.store, stages.config.audits.live.alpha)
    asked = [question.update for question in view.questions]
    return {ASKED: asked, STOPS_AT: view.figures.stops_at, WAITS: waits}


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe, audits__live__questions=8, audits__live__alpha=0.05)
    assert seen == {ASKED: [1, 2, 3, 4, 5, 6, 7, 8], STOPS_AT: 20.0, WAITS: []}
    seen = observer.observe(observe, audits__live__updates_without_judgment=5)
    assert seen == {ASKED: [2, 4], STOPS_AT: 100.0, WAITS: [5, 6, 7, 8]}


def test_the_growth_of_the_kl_is_known_without_reading_the_metrics_again(
    base: Settings, new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nats = {"audits.live.nats_without_judgment": 2.0}
    with assembled({**base, **BASE, **nats}, new_folder()) as stages:
        stages.people.ask(0, [])
        for update in range(1, 9):
            line = {"stage": "policy", "round": 0, "update": update, "policy/kl": 0.5 * update}
            stages.metrics.write(line)
        stages.policy.watch.begin(stages.metrics.lines())
        monkeypatch.setattr(MetricsLog, "lines", lambda self: pytest.fail("it read the metrics"))
        used_up = {}
        for update in (4, 5, 6, 8):
            stages.policy.trainer.update = update
            used_up[update] = stages.live.is_used_up()
    # The mean over four updates of half a nat each: 1.25, 1.75, 2.25 and 3.25.
    assert used_up == {4: False, 5: False, 6: True, 8: True}


LOOKS: dict[str, Callable[[Stages], None]] = {
    "attend": lambda stages: stages.live.attend(),
    "close": lambda stages: stages.live.close(),
    "resume": resume,
}


def test_after_a_release_the_figures_say_no_longer_that_people_stop_the_run(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    folder = new_folder()
    with assembled({**base, **BASE, "audits.live.questions": 8}, folder) as stages:
        stages.people.ask(0, [])
        stages.policy.trainer.update = 1
        stages.live.attend()
        crossed = look_at(stages.store, 0.01).figures.model_copy(update={"wealth": 1000.0})
        assert crossed.asked == 1 and crossed.is_crossed
        request = stages.store.stop_requests.pull(LIVE_WATCH, "People like it less.")
        stages.store.stop_requests.stopped(request.id, 1)
        stages.store.stop_requests.release(request.id, "olga", "Read them.", "resume")
    for n, look in ((8, "attend"), (8, "close"), (0, "close"), (0, "resume")):
        write_live_audit(folder, crossed)
        with assembled({**base, **BASE, "audits.live.questions": n}, folder) as stages:
            LOOKS[look](stages)
        live = read_run_folder(folder).live
        assert live is not None and not live.is_crossed, (n, look)
        assert (live.since_update, live.asked) == (1, 0)
