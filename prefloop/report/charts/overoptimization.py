"""A held-out score against the KL: policies or best of n, with the fitted curve."""

import numpy as np
from markupsafe import Markup

from prefloop.figures.overoptimization import OverOptimizationCurveFigures
from prefloop.figures.overoptimization_text import curve_title
from prefloop.functional.overoptimization import gao_curve
from prefloop.report.charts.plot import Plot
from prefloop.report.charts.scale import padded_range

SIZE = (400, 220)


def overoptimization_chart(curve: OverOptimizationCurveFigures, slug: str) -> Markup | None:
    """Return the chart; None without a fitted curve. Bars are the ends of intervals."""
    if curve.alpha is None or curve.beta is None:
        return None
    largest = curve.points[-1].kl_nats
    kls = np.linspace(0.0, largest, 60)
    form = "best_of_n" if curve.kind == "best of n" else "rl"
    fitted = gao_curve(form, kls, curve.alpha, curve.beta)  # type: ignore[arg-type]
    ends = [e for p in curve.points for e in (p.gain.low, p.gain.high) if e is not None]
    plot = Plot(
        slug,
        curve_title(curve),
        curve.message,
        x_range=(0.0, 1.05 * largest),
        y_range=padded_range([0.0, *ends, *(p.gain.value for p in curve.points)]),
        size=SIZE,
    )
    plot.axes(x_label="KL from the reference (nats per response)")
    plot.level(0.0, "reference")
    plot.line(kls.tolist(), fitted.tolist(), "best")
    for point in curve.points:
        if point.gain.low is not None and point.gain.high is not None:
            x = (point.kl_nats, point.kl_nats)
            plot.whisker("policy", x=x, y=(point.gain.low, point.gain.high))
        plot.dot(point.kl_nats, point.gain.value, "policy")
    if curve.peak_kl is not None and curve.answer == "stop here":
        plot.boundary(curve.peak_kl.value, "highest")
    return plot.markup()
