"""Learning curves from metrics."""

import math
from typing import Literal

import pytest

from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.report.training import Level, kl_levels, policy_charts, policy_keys, rewards_charts
from prefloop.settings.policy import KLConfig
from tests.unit.report.fake_run import fake_config


def _policy(round: int, episodes: int, **values: float) -> MetricsLine:
    return read_line(
        {"stage": "policy", "round": round, "update": 0, "episodes": episodes}
        | {f"policy/{name}": value for name, value in values.items()}
    )


def test_only_what_was_measured_is_drawn_and_a_target_only_for_kl() -> None:
    metrics = [_policy(0, 64 * i, score=0.1 * i, kl=1.0 * i) for i in range(1, 4)]
    charts = policy_charts(metrics, kl_levels=((6.0, "target"),))
    assert [chart.title for chart in charts] == ["Score", "KL"]
    assert "target" not in charts[0].drawing
    assert "target" in charts[1].drawing
    assert "target" not in policy_charts(metrics)[1].drawing


def test_where_no_stop_is_asked_no_share_of_stops_is_drawn() -> None:
    metrics = [_policy(0, 64 * i, score=0.1 * i, ended=1.0) for i in range(1, 4)]
    for stop, titles in ((".", ["Score", "Ended"]), (None, ["Score"])):
        task = fake_config(task={"name": "sentiment", "stop": stop}).task
        keys = policy_keys(task)
        assert [chart.title for chart in policy_charts(metrics, keys=keys)] == titles


@pytest.mark.parametrize(
    ("control", "cap", "levels"),
    [
        ("adaptive", None, ((6.0, "target"),)),
        ("adaptive", 9.0, ((6.0, "target"), (9.0, "cap"))),
        ("fixed", 9.0, ((9.0, "cap"),)),
        ("fixed", None, ()),
    ],
)
def test_what_holds_the_kl_is_drawn(
    control: Literal["adaptive", "fixed"], cap: float | None, levels: tuple[Level, ...]
) -> None:
    assert kl_levels(KLConfig(control=control, cap=cap, target=6.0)) == levels
    metrics = [_policy(0, 64 * i, kl=1.0 * i) for i in range(1, 4)]
    chart = policy_charts(metrics, kl_levels=levels)[0].drawing
    assert chart.count('class="level"') == len(levels)
    assert all(f">{name}<" in chart for _, name in levels)


def test_rounds_are_marked_and_episodes_go_on_counting() -> None:
    """A round that counts from 0 again and one that goes on give the same picture."""
    goes_on = [_policy(n, e, kl=1.0) for n, e in ((0, 64), (0, 128), (1, 192), (1, 256))]
    restarts = [_policy(n, e, kl=1.0) for n, e in ((0, 64), (0, 128), (1, 64), (1, 128))]
    a, b = (policy_charts(metrics)[0].drawing for metrics in (goes_on, restarts))
    assert a == b
    assert "round 1" in a


def test_missing_and_broken_numbers_leave_gaps() -> None:
    metrics = [_policy(0, 64, kl=math.nan), _policy(0, 128)]
    assert policy_charts(metrics, kl_levels=((6.0, "target"),)) == []


def test_reward_curves_show_chance_for_the_samples_shown() -> None:
    lines = [
        read_line(
            {
                "stage": "rewards",
                "round": r,
                "update": i,
                "labels": 32 * i,
                "rewards/loss": 1.4 - 0.1 * i,
            }
        )
        for r in range(2)
        for i in range(3)
    ]
    (chart,) = rewards_charts(lines, chance={"rewards/loss": math.log(4)})
    assert "chance" in chart.drawing
    assert "r0 1.20" in chart.drawing
    assert "r1 1.20" in chart.drawing
    assert "chance" not in rewards_charts(lines, chance={"rewards/loss": None})[0].drawing


def test_a_method_without_values_has_no_chart_of_them() -> None:
    lines = [_policy(0, 64 * i, kl=1.0, score=0.1 * i, clip_fraction=0.1) for i in range(1, 4)]
    assert [chart.title for chart in policy_charts(lines)] == ["Score", "KL", "Clip fraction"]
