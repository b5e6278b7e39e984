"""How often things happen that were given some probability."""

from markupsafe import Markup

from prefloop.figures.text import fixed
from prefloop.figures.trust import CalibrationFigures
from prefloop.report.charts.plot import Plot

SIZE = (300, 280)
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_chart(calibration: CalibrationFigures, slug: str, title: str) -> Markup:
    """Return a reliability diagram: the diagonal is a model whose probabilities come true."""
    plot = Plot(
        slug,
        title,
        f"Expected calibration error {fixed(calibration.error, 3)} over {calibration.n} samples.",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        size=SIZE,
        right=14.0,
    )
    plot.axes(
        x_label="probability that the reward model gives",
        x_ticks=TICKS,
        y_ticks=TICKS,
        percent=True,
    )
    plot.line((0.0, 1.0), (0.0, 1.0), "diagonal")
    bins = calibration.bins
    plot.line([b.mean_probability for b in bins], [b.frequency for b in bins], "policy thin")
    largest = max((b.n for b in bins), default=1)
    for b in bins:
        x = b.mean_probability
        plot.whisker("policy", x=(x, x), y=b.interval)
        plot.dot(x, b.frequency, "policy", radius=2.5 + 3 * (b.n / largest) ** 0.5)
    return plot.markup()
