"""The learning curves of a run, from its metrics."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from prefloop.figures.metrics_line import MetricsLine
from prefloop.report.charts.curves import Curves, Series, curves_chart
from prefloop.settings.policy import KLConfig
from prefloop.settings.task import TaskConfig

Level = tuple[float, str]
"""A height in a chart that is marked, and its name."""

POLICY_CHARTS = (
    ("policy/score", "Score", "mean score of a response"),
    ("policy/held_out_score", "Held-out score", "mean score of a response, by a judge"),
    ("policy/kl", "KL", "from the reference, nats per response"),
    ("policy/kl_coef", "KL coefficient", "weight of the penalty, per nat"),
    ("policy/entropy", "Entropy", "nats per token"),
    ("policy/ended", "Ended", "share of responses that met the stop rule"),
    ("policy/response_tokens", "Length", "tokens of a response"),
    ("policy/distinct_2", "Distinct-2", "different word pairs per word pair"),
    ("policy/copied_share", "Copied", "share of a response's runs of words that its prompt holds"),
    ("policy/clip_fraction", "Clip fraction", "share of tokens whose ratio was clipped"),
    ("policy/value_loss", "Value loss", "of the value head"),
    ("policy/explained_variance", "Explained variance", "of the returns, by the value head"),
    (
        "policy/grad_norm",
        "Gradient",
        "how hard a step pulls at the weights: its norm, the largest of an update",
    ),
)
"""Drawn where the method measures them."""

REWARDS_CHARTS = (
    (
        "rewards/loss",
        "Reward model loss",
        "how far the labels surprise it (cross-entropy), nats; lower is better",
    ),
    ("rewards/accuracy", "Reward model accuracy", "on each batch before learning from it"),
)
SHARES = frozenset(
    {
        "policy/ended",
        "policy/clip_fraction",
        "policy/distinct_2",
        "policy/copied_share",
        "rewards/accuracy",
    }
)
SHARE, ANY = (0.0, 1.0), (-math.inf, math.inf)

MAX_ROUNDS = 6
"""More reward model curves than this in one chart are hard to distinguish; the latest are drawn."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing with its heading."""

    title: str
    caption: str
    drawing: Markup


def policy_keys(task: TaskConfig) -> frozenset[str]:
    """Return the metrics that say something of a task: without a stop every response has ended."""
    keys = frozenset(key for key, _, _ in POLICY_CHARTS)
    return keys if task.stop is not None else keys - {"policy/ended"}


def kl_levels(config: KLConfig) -> tuple[Level, ...]:
    """Return what holds the KL: the controller's target and the cap."""
    target = [(config.target, "target")] if config.control == "adaptive" else []
    cap = [(config.cap, "cap")] if config.cap is not None else []
    return (*target, *cap)


def policy_charts(
    metrics: Sequence[MetricsLine],
    *,
    kl_levels: tuple[Level, ...] = (),
    keys: Collection[str] | None = None,
    ids: str = "",
) -> list[Chart]:
    """Return the policy's curves over episodes, with a light line where a round begins; over
    updates where the policy learns from no episode.

    Only what was measured is drawn: a method without a value head has no value loss. `kl_levels`
    are drawn through the KL, each with its name. With `keys` only these metrics are drawn; `ids`
    begins the ids of the drawings, where a page shows several runs.
    """
    lines = [line for line in metrics if line.stage == "policy"]
    episodes = _total_episodes(lines)
    learns = any(episodes)
    places = episodes if learns else [float(line.update) for line in lines]
    charts = []
    for key, title, caption in (c for c in POLICY_CHARTS if keys is None or c[0] in keys):
        points = [
            (x, line.values[key])
            for x, line in zip(places, lines, strict=True)
            if key in line.values
        ]
        series = Series(name="", x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
        drawing = curves_chart(
            Curves(
                slug=ids + key.replace("/", "-"),
                title=title,
                x_label="episodes" if learns else "updates",
                series=(series,),
                boundaries=_boundaries(lines, places),
                levels=kl_levels if key == "policy/kl" else (),
                limits=SHARE if key in SHARES else ANY,
            )
        )
        if drawing is not None:
            charts.append(Chart(title=title, caption=caption, drawing=drawing))
    return charts


def rewards_charts(
    metrics: Sequence[MetricsLine], *, chance: Mapping[str, float | None] | None = None
) -> list[Chart]:
    """Return the reward model's curves over questions, one line per round.

    `chance` holds by metric what a reward model has that scores all samples alike.
    """
    lines = [line for line in metrics if line.stage == "rewards"]
    rounds = sorted({line.round for line in lines})[-MAX_ROUNDS:]
    charts = []
    for key, title, caption in REWARDS_CHARTS:
        drawing = curves_chart(
            Curves(
                slug=key.replace("/", "-"),
                title=title,
                x_label="questions seen",
                series=tuple(_series_of_round(lines, key, number, rounds) for number in rounds),
                levels=() if (level := (chance or {}).get(key)) is None else ((level, "chance"),),
                limits=SHARE if key in SHARES else ANY,
            )
        )
        if drawing is not None:
            charts.append(Chart(title=title, caption=caption, drawing=drawing))
    return charts


def _series_of_round(
    lines: Sequence[MetricsLine], key: str, number: int, rounds: Sequence[int]
) -> Series:
    points = [
        (float(line.update if line.labels is None else line.labels), line.values[key])
        for line in lines
        if line.round == number and key in line.values
    ]
    return Series(
        name=f"r{number}" if len(rounds) > 1 else "",
        x=tuple(x for x, _ in points),
        y=tuple(y for _, y in points),
        style="policy" if number == rounds[-1] else "earlier",
    )


def _total_episodes(lines: Sequence[MetricsLine]) -> list[float]:
    """Count episodes over the whole run, also where each round starts to count from 0."""
    counted, before, last = [], 0, 0
    for line in lines:
        if line.episodes < last:
            before += last
        last = line.episodes
        counted.append(float(before + line.episodes))
    return counted


def _boundaries(
    lines: Sequence[MetricsLine], episodes: Sequence[float]
) -> tuple[tuple[float, str], ...]:
    """Return where each round after the first begins."""
    return tuple(
        (x, f"round {line.round}")
        for x, (previous, line) in zip(episodes, pairwise(lines), strict=False)
        if line.round != previous.round
    )
