"""The audit of over-optimization in lines, the same on terminal and page."""

from prefloop.figures.overoptimization import (
    OverOptimizationCurveFigures,
    OverOptimizationFigures,
)
from prefloop.figures.text import counted, fixed, signed, signed_interval

NAME = 24
"""Width of the first column."""


def overoptimization_head(figures: OverOptimizationFigures) -> str:
    """Return what was compared, and what the columns are."""
    return (
        f"What a held-out judge says of policies and of best of n (of n answers the best one) that "
        f"{figures.proxy} takes for better, by their KL from the reference: how far training, or "
        "choosing, moved them from the model as it was before. Reward and judge: how much above "
        "the reference, on the same prompts."
    )


def curve_title(curve: OverOptimizationCurveFigures) -> str:
    """Return what a curve shows, in a few words."""
    return f"{curve.kind}, judged by {curve.judge}, {counted(curve.prompts, 'prompt')}"


def curve_lines(curve: OverOptimizationCurveFigures) -> list[str]:
    """Return a table of the points and the answer."""
    rows = [
        f"{point.name:<{NAME}}  {fixed(point.kl_nats):>9}  {signed(point.proxy):>6}  "
        f"{signed(point.gain.value)} ({signed_interval(point.gain.low, point.gain.high)}; "
        f"{counted(point.gain.n, 'prompt')})"
        for point in curve.points
    ]
    head = [f"{'':<{NAME}}  KL (nats)  reward  {curve.judge}"] if rows else []
    return [curve_title(curve), *head, *rows, f"{curve.answer}: {curve.message}"]
