"""The drawing of several runs: how often each is preferred, against how far it went."""

from markupsafe import Markup

from prefloop.figures.compared_runs import ComparedRunFigures, RunsComparedFigures
from prefloop.figures.text import fixed, model_title, percent
from prefloop.report.charts.labels import PointLabels
from prefloop.report.charts.plot import Plot
from prefloop.report.charts.scale import padded_range

SIZE = (440, 280)
STYLES = ("policy", "reference", "best", "second")
"""Colors of the runs, in turn."""


def runs_chart(figures: RunsComparedFigures) -> Markup | None:
    """Return win rate against KL with both intervals; None where no run has a KL."""
    placed = [run for run in figures.runs if run.kl is not None]
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
        assert run.kl is not None  # others are not placed
        labels.keep_clear(run.kl.value, run.win_rate.value)
    for place, (run, (x, y)) in enumerate(zip(placed, ends, strict=True)):
        assert run.kl is not None
        style = STYLES[place % len(STYLES)]
        at, up = run.kl.value, run.win_rate.value
        plot.whisker(style, x=x, y=(up, up))
        plot.whisker(style, x=(at, at), y=y)
        plot.dot(at, up, style, radius=4.5)
        labels.write(run.name, style, at, up)
    return plot.markup()


def _ends(run: ComparedRunFigures) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both intervals; no KL lies below 0, whatever its interval does."""
    kl, rate = run.kl, run.win_rate
    assert kl is not None
    low = kl.value if kl.low is None else kl.low
    high = kl.value if kl.high is None else kl.high
    x = (max(0.0, low), max(0.0, high))
    return x, (rate.value if rate.low is None else rate.low, rate.high or rate.value)


def _described(run: ComparedRunFigures) -> str:
    kl = fixed(run.kl.value, 1) if run.kl else ""
    return f"{run.name} ({run.method}): {percent(run.win_rate.value)} at {kl} nats"
