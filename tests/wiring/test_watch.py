"""`audits.on_alarm` decides whether an alarm of the watch stops a run."""

from collections.abc import Callable
from pathlib import Path

from prefloop.audits.watch import WATCH
from tests.wiring.runs import assembled
from tests.wiring.wires import Settings, covers

BROKEN = {"stage": "policy", "round": 0, "update": 1, "policy/ratio_mean": 40.0}


@covers("audits.on_alarm")
def test_an_alarm_asks_the_run_to_stop_only_if_that_is_set(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    for on_alarm, stopped_by in (("warn", None), ("stop", WATCH), ("roll_back", WATCH)):
        with assembled({**base, "audits.on_alarm": on_alarm}, new_folder()) as stages:
            stages.policy.watch.report(BROKEN)
            active = stages.store.stop_requests.active()
            assert (active and active.pulled_by) == stopped_by
