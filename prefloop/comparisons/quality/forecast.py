"""Learning curve of the reward model: what would twice the questions buy?

A question counts once, however many labels it has: the reward model learns from it once.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from prefloop.figures.text import count, percent, points, points_interval, share_interval
from prefloop.functional.learning_curve import LearningCurve, fit_learning_curve
from prefloop.functional.statistics import Interval

LEAST_BATCHES = 10
"""Fewest batches after the first one that a curve is fitted to."""
WIDEST = 0.15
"""A forecast whose interval is wider than this is "not enough evidence"."""
WORTH = 0.01
"""Smallest gain in accuracy that is worth labeling for."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The fitted accuracy at a number of labels."""

    labels: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Accuracy of the reward model by number of labels, measured and extrapolated."""

    status: Literal["estimated", "not enough evidence"]
    message: str
    n_labels: int
    n_batches: int
    round: int | None = None
    points: tuple[tuple[int, float], ...] = ()
    """Measured: labels seen before a batch, and the accuracy on that batch."""
    curve: tuple[CurvePoint, ...] = ()
    """The fit, up to twice the labels."""
    now: CurvePoint | None = None
    doubled: CurvePoint | None = None
    gain: float | None = None
    gain_interval: Interval | None = None


def forecast(
    lines: Sequence[Mapping[str, Any]], *, seed: int = 0, labels_per_epoch: int | None = None
) -> Forecast:
    """Return the learning curve fitted to reward-model metrics, up to twice the labels.

    `lines` are rows of `metrics.jsonl`. Each batch is scored before the model trains on it, so
    within one epoch its accuracy is measured on unseen labels; rows beyond `labels_per_epoch` are
    left out. Of several rounds the one with most labels is used: each starts from the base model.
    """
    batches, round_number = _batches(lines, labels_per_epoch)
    n_labels = batches[-1][0] + batches[-1][2] if batches else 0
    points = tuple((seen, accuracy) for seen, accuracy, _ in batches)
    if len(batches) < LEAST_BATCHES:
        return Forecast(
            status="not enough evidence",
            message=f"Not enough evidence for a forecast: {len(batches)} scored batches, "
            f"{LEAST_BATCHES} are needed.",
            n_labels=n_labels,
            n_batches=len(batches),
            round=round_number,
            points=points,
        )
    seen, accuracies, counts = zip(*batches, strict=True)
    curve = fit_learning_curve(seen, accuracies, counts, seed=seed)
    now, doubled = _point(curve, n_labels), _point(curve, 2 * n_labels)
    gain, interval = curve.gain(float(n_labels), 2.0 * n_labels)
    status, message = _message(now, doubled, gain, interval, len(batches))
    return Forecast(
        status=status,
        message=message,
        n_labels=n_labels,
        n_batches=len(batches),
        round=round_number,
        points=points,
        curve=tuple(_point(curve, n) for n in _grid(batches[0][0], 2 * n_labels)),
        now=now,
        doubled=doubled,
        gain=gain,
        gain_interval=interval,
    )


def _message(
    now: CurvePoint, doubled: CurvePoint, gain: float, interval: Interval, n_batches: int
) -> tuple[Literal["estimated", "not enough evidence"], str]:
    gained = f"{points_interval(*interval)} points"
    how = f" Accuracy on each of {count(n_batches)} batches, before it is learned from."
    if doubled.interval.high - doubled.interval.low > WIDEST:
        return "not enough evidence", (
            f"Not enough evidence for a forecast: with {count(doubled.labels)} questions the "
            f"accuracy could be anything in {share_interval(*doubled.interval)}."
        )
    if interval.high < WORTH:
        return "estimated", (
            f"Twice the questions would buy little: {percent(now.accuracy)} now, and at most "
            f"{points(interval.high)} points more with {count(doubled.labels)}.{how}"
        )
    if interval.low < WORTH / 10:
        return "not enough evidence", (
            f"Not enough evidence that more questions help: from {percent(now.accuracy)} now, "
            f"{count(doubled.labels)} could bring {gained}.{how}"
        )
    return "estimated", (
        f"Twice the questions ({count(doubled.labels)}) would bring the accuracy from "
        f"{percent(now.accuracy)} to about {percent(doubled.accuracy)}: {points(gain)} points "
        f"({gained}).{how}"
    )


def _batches(
    lines: Sequence[Mapping[str, Any]], labels_per_epoch: int | None
) -> tuple[list[tuple[int, float, int]], int | None]:
    """Return (labels seen before, accuracy, size) of each batch but the first."""
    by_round: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for line in lines:
        labels, accuracy = line.get("labels"), line.get("rewards/accuracy")
        if line.get("stage") != "rewards" or labels is None or accuracy is None:
            continue
        if math.isfinite(accuracy) and (labels_per_epoch is None or labels <= labels_per_epoch):
            by_round[int(line["round"])].append((int(labels), float(accuracy)))
    if not by_round:
        return [], None
    last = max(by_round, key=lambda r: (max(labels for labels, _ in by_round[r]), r))
    ends = sorted(by_round[last])
    pairs = pairwise(ends)
    found = [(before, accuracy, end - before) for (before, _), (end, accuracy) in pairs]
    return [batch for batch in found if batch[0] > 0 and batch[2] > 0], last


def _point(curve: LearningCurve, n: int) -> CurvePoint:
    at = float(n)
    return CurvePoint(labels=n, accuracy=curve.at(at), interval=curve.interval(at))


def _grid(first: int, last: int, n: int = 24) -> list[int]:
    """Return the numbers of labels at which the curve is drawn, on a logarithmic scale."""
    ratio = (last / first) ** (1 / n)
    return sorted({round(first * ratio**i) for i in range(n + 1)})
