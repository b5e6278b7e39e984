"""Lines over the course of training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from prefloop.figures.text import number
from prefloop.report.charts.plot import Plot, draw
from prefloop.report.charts.scale import padded_range

MAX_POINTS = 300
"""More points than a chart has room for are averaged in groups."""

LABEL_GAP = 12.0
"""Smallest distance between two labels at the right edge."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line and its name; an empty name is labeled with its last value alone."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    style: str = "policy"


@dataclass(frozen=True, kw_only=True)
class Curves:
    """What one chart of lines shows."""

    slug: str
    title: str
    x_label: str
    series: tuple[Series, ...]
    boundaries: tuple[tuple[float, str], ...] = ()
    """Places and names of light vertical lines: where rounds begin."""
    levels: tuple[tuple[float, str], ...] = ()
    """Dashed lines to compare with: a target, a cap, chance."""
    limits: tuple[float, float] = (-math.inf, math.inf)
    """What no value exceeds, such as 0 and 1 for a share: the axis ends there."""


def curves_chart(curves: Curves) -> Markup | None:
    """Return the chart; None if there is no finite point to draw."""
    series = [reduced for one in curves.series if (reduced := _reduce(one)) is not None]
    if not series:
        return None
    ys = [y for one in series for y in one.y] + [value for value, _ in curves.levels]
    xs = [x for one in series for x in one.x] + [x for x, _ in curves.boundaries]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = padded_range(ys)
    plot = Plot(
        curves.slug,
        curves.title,
        _describe(curves.title, series, curves.x_label),
        x_range=(min(0.0, x_low), x_high if x_high > x_low else x_low + 1),
        y_range=(max(y_low, curves.limits[0]), min(y_high, curves.limits[1])),
    )
    plot.axes(x_label=curves.x_label)
    for place, name in curves.boundaries:
        plot.boundary(place, name)
    for level in curves.levels:
        plot.level(*level)
    for one in series:
        plot.line(one.x, one.y, one.style)
        plot.dot(one.x[-1], one.y[-1], one.style, radius=2.5)
    _label_ends(plot, series)
    return plot.markup()


def _reduce(series: Series) -> Series | None:
    """Return the series without gaps, averaged to what a chart can show."""
    points = [(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
    if not points:
        return None
    xs, ys = np.array(points, dtype=float).T
    if len(xs) > MAX_POINTS:
        parts = np.array_split(np.arange(len(xs)), MAX_POINTS)
        xs, ys = (np.array([values[part].mean() for part in parts]) for values in (xs, ys))
    return Series(name=series.name, x=tuple(xs), y=tuple(ys), style=series.style)


def _label_ends(plot: Plot, series: Sequence[Series]) -> None:
    """Write name and last value at each line's end, moved apart where they would collide."""
    ends = sorted(((plot.y(one.y[-1]), one) for one in series), key=lambda end: end[0])
    below = -math.inf
    for y, one in ends:
        y = max(y, below + LABEL_GAP)
        below = y
        text = f"{one.name} {number(one.y[-1])}".strip()
        x = plot.x(one.x[-1]) + 6
        draw(plot.root, "text", text, class_=f"value {one.style}", x=x, y=y + 3.5)


def _describe(title: str, series: Sequence[Series], x_label: str) -> str:
    parts = [
        f"{one.name or title}: from {number(one.y[0])} to {number(one.y[-1])}" for one in series
    ]
    return f"{'; '.join(parts)}. Horizontal axis: {x_label}."
