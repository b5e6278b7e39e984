"""The learning curves of a run, from its metrics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from prefloop.report.charts.curves import Curves, Series, curves_chart

Line = Mapping[str, Any]
Level = tuple[float, str]
"""A height in a chart that is marked, and its name."""

POLICY_CHARTS = (
    ("policy/score", "Score", "reward model's mean score of a response"),
    ("policy/kl", "KL", "from the reference, nats per response"),
    ("policy/kl_coef", "KL coefficient", "weight of the penalty, per nat"),
    ("policy/entropy", "Entropy", "nats per token"),
    ("policy/value_loss", "Value loss", "of the value head"),
    ("policy/explained_variance", "Explained variance", "of the returns, by the value head"),
)
REWARDS_CHARTS = (
    ("rewards/loss", "Reward model loss", "cross-entropy of a label, nats"),
    ("rewards/accuracy", "Reward model accuracy", "on each batch before learning from it"),
)
MAX_ROUNDS = 6
"""More reward model curves than this in one chart cannot be told apart; the latest are drawn."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart with its heading."""

    title: str
    caption: str
    chart: Markup


def kl_levels(settings: Mapping[str, Any]) -> tuple[Level, ...]:
    """Return what holds the KL, from the settings `policy.kl`: the controller's target, the cap."""
    target = [(settings["target"], "target")] if settings.get("control") == "adaptive" else []
    cap = [(settings["cap"], "cap")] if settings.get("cap") is not None else []
    return (*target, *cap)


def policy_figures(metrics: Sequence[Line], *, kl_levels: tuple[Level, ...] = ()) -> list[Figure]:
    """Return the policy's curves over episodes, with a light line where a round begins.

    `kl_levels` are drawn through the KL, each with its name.
    """
    lines = _with_total_episodes([line for line in metrics if line.get("stage") == "policy"])
    figures = []
    for key, title, caption in POLICY_CHARTS:
        points = [line for line in lines if _is_number(line.get(key))]
        series = Series(
            name="",
            x=tuple(float(line["total_episodes"]) for line in points),
            y=tuple(float(line[key]) for line in points),
        )
        chart = curves_chart(
            Curves(
                slug=key.replace("/", "-"),
                title=title,
                x_label="episodes",
                series=(series,),
                boundaries=_boundaries(lines),
                levels=kl_levels if key == "policy/kl" else (),
            )
        )
        if chart is not None:
            figures.append(Figure(title=title, caption=caption, chart=chart))
    return figures


def rewards_figures(metrics: Sequence[Line], *, samples_shown: int | None) -> list[Figure]:
    """Return the reward model's curves over labels, one line per round."""
    lines = [line for line in metrics if line.get("stage") == "rewards"]
    rounds = sorted({int(line.get("round", 0)) for line in lines})[-MAX_ROUNDS:]
    figures = []
    for key, title, caption in REWARDS_CHARTS:
        series = []
        for number in rounds:
            points = [
                line
                for line in lines
                if int(line.get("round", 0)) == number and _is_number(line.get(key))
            ]
            series.append(
                Series(
                    name=f"r{number}" if len(rounds) > 1 else "",
                    x=tuple(float(line.get("labels", line.get("update", 0))) for line in points),
                    y=tuple(float(line[key]) for line in points),
                    style="policy" if number == rounds[-1] else "earlier",
                )
            )
        chart = curves_chart(
            Curves(
                slug=key.replace("/", "-"),
                title=title,
                x_label="labels seen",
                series=tuple(series),
                levels=_chance(key, samples_shown),
            )
        )
        if chart is not None:
            figures.append(Figure(title=title, caption=caption, chart=chart))
    return figures


def _chance(key: str, samples_shown: int | None) -> tuple[Level, ...]:
    if samples_shown is None:
        return ()
    return ((math.log(samples_shown) if key.endswith("loss") else 1 / samples_shown, "chance"),)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _with_total_episodes(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Count episodes over the whole run, also where each round starts to count from 0."""
    counted, before, last = [], 0, 0
    for line in lines:
        episodes = int(line.get("episodes", 0))
        if episodes < last:
            before += last
        last = episodes
        counted.append({**line, "total_episodes": before + episodes})
    return counted


def _boundaries(lines: Sequence[Line]) -> tuple[tuple[float, str], ...]:
    """Return where each round after the first begins."""
    places = []
    for previous, line in pairwise(lines):
        if line.get("round") != previous.get("round"):
            places.append((float(previous["total_episodes"]), f"round {line.get('round')}"))
    return tuple(places)
