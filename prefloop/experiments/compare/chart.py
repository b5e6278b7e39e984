"""The drawing of several runs: how often each is preferred, against how far it went."""

from markupsafe import Markup

from prefloop.figures.compared_runs import ComparedRunFigures, RunsComparedFigures
from prefloop.figures.text import at_most, fixed, model_title, percent
from prefloop.report.charts.labels import PointLabels
from prefloop.report.charts.plot import Plot
from prefloop.report.charts.scale import padded_range

SIZE = (440, 280)
STYLES = ("policy", "reference", "best", "second")
"""Colors of the runs, in turn."""


def runs_chart(figures: RunsComparedFigures) -> Markup | None:
    """Return win rate against KL with both intervals; None where no run has a KL."""
    placed = [run for run in figures.runs if _nats(run) is not None]
    if not placed:
        return None
    ends = [_ends(run) for run in placed]
    kl_high = 1.08 * max(max(x[1], 0.1) for x, _ in ends)
    shares = [end for _, y in ends for end in y]
    low, high = padded_range([*shares, 0.5])
    baseline = model_title(figures.baseline)
    plot = Plot(
        "runs",
        f"Preferred to the {baseline}, against KL",
        "; ".join(_described(run) for run in placed),
        x_range=(0.0, kl_high),
        y_range=(max(0.0, low), min(1.0, high)),
        size=SIZE,
        right=24.0,
    )
    plot.axes(x_label="KL from the reference (nats per response)", y_percent=True)
    plot.level(0.5, f"as often as the {baseline}")
    labels = PointLabels(plot, width=SIZE[0])
    for run in placed:
        labels.keep_clear(_nats(run) or 0.0, run.win_rate.value)
    for place, (run, (x, y)) in enumerate(zip(placed, ends, strict=True)):
        style = STYLES[place % len(STYLES)]
        at, up = _nats(run) or 0.0, run.win_rate.value
        plot.whisker(style, x=x, y=(up, up))
        plot.whisker(style, x=(at, at), y=y)
        plot.dot(at, up, style, radius=4.5)
        labels.write(run.name, style, at, up)
    return plot.markup()


def _ends(run: ComparedRunFigures) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both intervals; no KL lies below 0, whatever its interval does."""
    kl, rate, at = run.kl, run.win_rate, _nats(run) or 0.0
    low = at if kl is None or kl.low is None else kl.low
    high = at if kl is None or kl.high is None else kl.high
    # Of a bound nothing is known but that the KL does not lie above it.
    x = (0.0, at) if run.kl_at_most is not None else (max(0.0, low), max(0.0, high))
    return x, (rate.value if rate.low is None else rate.low, rate.high or rate.value)


def _described(run: ComparedRunFigures) -> str:
    bound, kl = run.kl_at_most, fixed(_nats(run), 1)
    kl = kl if bound is None else at_most(bound)
    return f"{run.name} ({run.method}): {percent(run.win_rate.value)} at {kl} nats"


def _nats(run: ComparedRunFigures) -> float | None:
    """Return the KL of a run, or the bound on it; None where neither is known."""
    if run.kl_at_most is not None:
        return run.kl_at_most
    return None if run.kl is None else run.kl.value
