"""Drawings of a copying experiment: how much each arm copies, and how that follows the dose."""

from markupsafe import Markup

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.experiment import ArmFigures, ExperimentFigures
from prefloop.figures.experiment_text import share_text
from prefloop.report.charts.plot import Plot, draw
from prefloop.report.charts.scale import Scale

ROW = 40
WIDTH = 600
NAMES = 250.0
"""Width that the names of the arms take at the left."""


def copied_chart(figures: ExperimentFigures) -> Markup:
    """Return a row for each arm: the share of copied sentences before and after, with intervals."""
    n = len(figures.arms)
    plot = Plot(
        "copied-sentences",
        "Sentences copied, before and after",
        "; ".join(_described(arm) for arm in figures.arms),
        x_range=(0.0, 1.0),
        y_range=(0.0, float(n)),
        size=(WIDTH, ROW * n + 56),
        right=20.0,
    )
    plot.left, plot.x = NAMES, Scale(0.0, 1.0, NAMES, plot.right)
    plot.axes(x_label="share of sentences that stand in the source", y_ticks=(), percent=True)
    for place, arm in enumerate(figures.arms):
        y = n - place - 0.5
        for text, down in ((arm.title, -2.0), (f"from {arm.start}", 11.0)):
            place_of = {"x": NAMES - 10, "y": plot.y(y) + down}
            draw(plot.root, "text", text, class_="name end", **place_of)
        _mark(plot, arm.before, y + 0.14, "reference")
        _mark(plot, arm.after, y - 0.14, "policy")
    return plot.markup()


def dose_chart(figures: ExperimentFigures) -> Markup | None:
    """Return what is copied at each weight of the verbatim term; None with fewer than two."""
    first = figures.arms[0].start
    doses = [(a.dose, a) for a in figures.arms if a.dose is not None and a.start == first]
    drawn = sorted(doses, key=lambda row: row[0])
    if len(drawn) < 2:
        return None
    plot = Plot(
        "dose",
        "Dose and response",
        "; ".join(_described(arm) for _, arm in drawn),
        x_range=(-0.05, 1.05),
        y_range=(0.0, 1.0),
        size=(WIDTH, 240),
    )
    plot.axes(
        x_label="weight of the verbatim term, as a share of the fitted one",
        x_ticks=[dose for dose, _ in drawn],
        y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
        percent=True,
    )
    plot.line([dose for dose, _ in drawn], [arm.after.value for _, arm in drawn], "policy")
    for dose, arm in drawn:
        ends = (arm.after.low or 0.0, 1.0 if arm.after.high is None else arm.after.high)
        plot.whisker("policy", x=(dose, dose), y=ends)
        plot.dot(dose, arm.after.value, "policy")
    return plot.markup()


def _mark(plot: Plot, figure: EstimateFigure, y: float, style: str) -> None:
    if figure.low is not None and figure.high is not None:
        plot.whisker(style, x=(figure.low, figure.high), y=(y, y))
    plot.dot(figure.value, y, style)


def _described(arm: ArmFigures) -> str:
    return f"{arm.title}, from {arm.start}: {share_text(arm.before)}, then {share_text(arm.after)}"
