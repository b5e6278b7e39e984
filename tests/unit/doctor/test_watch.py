"""What the doctor says of alarms."""

from dataclasses import replace

import pytest

from prefloop.audits.alarms import ALARMS
from prefloop.doctor.watch import LIVE_CHECK, QUIET, check_live, check_watch
from prefloop.figures.live import LiveFigures
from prefloop.figures.metrics_line import MetricsLine
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures
from tests.unit.audits.rollouts import records

CONFIG = parse_run({}, "run.yaml")


def run_of(metrics: list[MetricsLine]) -> RunFigures:
    return RunFigures(name="run", metrics=tuple(metrics), evaluations=(), trusts=())


def test_alarms_are_warnings_and_stops_are_bad_each_with_its_update_and_what_to_do() -> None:
    falling = [{"entropy": 2.0}] * 4 + [{"entropy": 0.9}] * 4 + [{"entropy": 0.2}] * 8
    clipped = [{**row, "clip_fraction": 0.1 + 0.1 * (i > 2)} for i, row in enumerate(falling)]
    (warned,) = check_watch(CONFIG, run_of(records(clipped[:8])))
    assert (warned.check, warned.status) == ("alarm: entropy collapsed", "warn")
    what = "The entropy per token went from 2.00 to 0.900, 45 % of it."
    assert warned.message == f"In update 8: {what}"
    assert "policy.lr" in warned.action
    assert warned.action.endswith("Samples: report/index.html#samples-of-update-8.")
    (worse,) = check_watch(CONFIG, run_of(records(clipped)))
    assert (worse.check, worse.status) == ("alarm: entropy collapsed", "bad")


def test_without_alarms_it_says_how_many_watched_what() -> None:
    (quiet,) = check_watch(CONFIG, run_of(records([{"entropy": 2.0}] * 9)))
    assert (quiet.check, quiet.status) == (QUIET, "ok")
    assert quiet.message == f"{len(ALARMS)} alarms watched 9 updates; none was raised in round 0."
    assert check_watch(CONFIG, run_of([])) == []


@pytest.mark.parametrize(
    ("losses", "wealth", "status", "said"),
    [
        (0, 1.0, "warn", "Nobody has answered any of 9 live questions."),
        (3, 2.4, "ok", "A bet of 1 on the reference has become 2.4; from 100 on it would stop"),
        (9, 130.2, "bad", "has become 130; from 100 on it stops the run."),
    ],
)
def test_what_people_say_of_the_policy_is_passed_on(
    losses: int, wealth: float, status: str, said: str
) -> None:
    figures = LiveFigures(
        since_update=0,
        asked=9,
        people=("ann",) if losses else (),
        wins=0,
        ties=0,
        losses=losses,
        judged_update=4 if losses else None,
        wealth=wealth,
        stops_at=100.0,
    )
    [result] = check_live(replace(run_of([]), live=figures))
    assert (result.check, result.status) == (LIVE_CHECK, status)
    assert said in result.message
    assert (result.action == "") == (status == "ok")
    assert check_live(run_of([])) == []


def test_a_count_that_has_just_begun_again_is_neither_bad_nor_waits_for_anybody() -> None:
    figures = LiveFigures(
        since_update=3,
        asked=0,
        people=(),
        wins=0,
        ties=0,
        losses=0,
        judged_update=None,
        wealth=1.0,
        stops_at=100.0,
    )
    [result] = check_live(replace(run_of([]), live=figures))
    assert (result.status, result.action) == ("later", "")
    assert result.message == (
        "No live question was asked since update 3, where the count began again."
    )
