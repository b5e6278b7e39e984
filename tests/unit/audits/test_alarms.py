"""Each alarm by hand: fine, an alarm, or unknown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from prefloop.audits.alarms import ALARMS
from prefloop.run_file import parse_run
from prefloop.settings.policy import PolicyConfig
from tests.unit.audits.rollouts import records

RULES = {alarm.name: alarm.rule for alarm in ALARMS}


def policy(**kl: object) -> PolicyConfig:
    return parse_run({"policy": {"kl": kl}}, "run.yaml").policy


def level(name: str, key: str, values: Sequence[float], **kl: object) -> str:
    """Return what an alarm says after updates that measured these values."""
    return RULES[name](records([{key: value} for value in values]), policy(**kl)).level


ADAPTIVE = {"control": "adaptive", "target": 6.0}
FIXED = {"control": "fixed", "cap": None}


@pytest.mark.parametrize(
    ("kl", "values", "expected"),
    [
        (ADAPTIVE, [8.0] * 4, "fine"),
        (ADAPTIVE, [8.0, 8.0, 8.0, 40.0], "warn"),
        (ADAPTIVE, [19.0] * 4, "warn"),
        (ADAPTIVE, [19.0] * 5, "stop"),
        (ADAPTIVE, [17.0, *[19.0] * 4], "warn"),
        (FIXED, [9.0] * 5, "fine"),
        (FIXED, [11.0] * 5, "warn"),
        (FIXED, [51.0] * 5, "stop"),
        ({**FIXED, "cap": 20.0}, [29.0] * 5, "fine"),
        ({**FIXED, "cap": 20.0}, [31.0] * 5, "warn"),
        (ADAPTIVE, [40.0] * 3, "unknown"),
    ],
)
def test_the_kl_is_held_against_target_cap_or_nats(
    kl: Mapping[str, object], values: Sequence[float], expected: str
) -> None:
    assert level("KL too large", "kl", values, **kl) == expected


@pytest.mark.parametrize(
    ("name", "key", "values", "expected"),
    [
        ("KL below zero", "kl", [-0.3, 0.1, 0.1, 0.1], "fine"),
        ("KL below zero", "kl", [-0.2] * 4, "warn"),
        ("KL below zero", "kl", [0.0, *[-1.1] * 3], "stop"),
        ("KL below zero", "kl", [-1.1] * 3, "unknown"),
        ("ratio far from 1", "ratio_mean", [1.0], "fine"),
        ("ratio far from 1", "ratio_mean", [1.0, 2.1], "stop"),
        ("ratio far from 1", "ratio_mean", [1.0, 0.4], "stop"),
        ("ratio far from 1", "ratio_mean", [3.0, 1.0], "fine"),
        ("many ratios clipped", "clip_fraction", [0.1, 0.1, 0.1, 0.8], "fine"),
        ("many ratios clipped", "clip_fraction", [0.31] * 4, "warn"),
        ("values explain nothing", "explained_variance", [-0.1] * 19, "unknown"),
        ("values explain nothing", "explained_variance", [-0.1] * 20, "warn"),
        ("values explain nothing", "explained_variance", [-0.1] * 19 + [0.1], "fine"),
        ("entropy collapsed", "entropy", [2.0] * 4 + [1.1] * 4, "fine"),
        ("entropy collapsed", "entropy", [2.0] * 4 + [0.9] * 4, "warn"),
        ("entropy collapsed", "entropy", [2.0] * 4 + [0.3] * 4, "stop"),
        ("entropy collapsed", "entropy", [2.0] * 4 + [0.1] * 3, "unknown"),
        ("entropy collapsed", "entropy", [0.0] * 4 + [0.1] * 4, "unknown"),
        ("length moved", "response_tokens", [10.0] * 4 + [12.0] * 4, "fine"),
        ("length moved", "response_tokens", [10.0] * 4 + [13.5] * 4, "warn"),
        ("length moved", "response_tokens", [10.0] * 4 + [6.5] * 4, "warn"),
        ("responses do not end", "ended", [0.95] * 4 + [0.81] * 4, "fine"),
        ("responses do not end", "ended", [0.95] * 4 + [0.79] * 4, "warn"),
        ("responses do not end", "ended", [0.7] * 4 + [0.65] * 4, "fine"),
        ("one answer to many prompts", "duplicates", [0.0, 0.0, 0.0, 0.15], "fine"),
        ("one answer to many prompts", "duplicates", [0.06] * 4, "warn"),
        ("one answer to many prompts", "duplicates", [0.31] * 4, "stop"),
        ("one opening for many answers", "top_opening", [0.1] * 4 + [0.29] * 4, "fine"),
        ("one opening for many answers", "top_opening", [0.1] * 4 + [0.31] * 4, "warn"),
        ("few different word pairs", "distinct_2", [0.8] * 4 + [0.41] * 4, "fine"),
        ("few different word pairs", "distinct_2", [0.8] * 4 + [0.39] * 4, "warn"),
        ("copies more", "copied_share", [0.1] * 4 + [0.29] * 4, "fine"),
        ("copies more", "copied_share", [0.1] * 4 + [0.31] * 4, "warn"),
        ("copies more", "copied_share", [0.6] * 4 + [0.1] * 4, "fine"),
        ("the reward model guesses", "ensemble_spread", [1.9] * 4, "fine"),
        ("the reward model guesses", "ensemble_spread", [2.1] * 4, "warn"),
        ("scores alike", "score_sd", [1.0] * 4 + [0.21] * 4, "fine"),
        ("scores alike", "score_sd", [1.0] * 4 + [0.19] * 4, "warn"),
    ],
)
def test_an_alarm_by_hand(name: str, key: str, values: Sequence[float], expected: str) -> None:
    assert level(name, key, values, **ADAPTIVE) == expected


def test_the_page_shows_the_table_as_it_is() -> None:
    page = Path("docs/audits.md").read_text(encoding="utf-8")
    for alarm in ALARMS:
        cells = [alarm.name, f"`{alarm.measure}`", alarm.threshold, alarm.source]
        assert f"| {' | '.join(cells)} |" in page


@pytest.mark.parametrize("name", sorted(set(RULES) - {"not a finite number"}))
def test_what_a_run_does_not_measure_is_unknown(name: str) -> None:
    """As in the metrics of an earlier version, or of a method without values."""
    assert level(name, "lr", [1.0] * 30, **ADAPTIVE) == "unknown"
