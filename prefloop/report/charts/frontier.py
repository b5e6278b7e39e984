"""Reward against KL: the tuned model, the best any model could reach, and the best of n draws."""

from collections.abc import Sequence

from markupsafe import Markup

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.frontier import FrontierFigures, FrontierPointFigures, PlacedModelFigures
from prefloop.figures.text import at_most, number
from prefloop.report.charts.labels import PointLabels
from prefloop.report.charts.plot import Plot
from prefloop.report.charts.scale import padded_range

SIZE = (400, 290)


def frontier_chart(
    rounds: Sequence[FrontierFigures], others: Sequence[FrontierFigures] = ()
) -> Markup | None:
    """Return the chart for the policies of rounds, the latest last, and for other models.

    The estimated curve is drawn solid as far as it may be trusted and dotted beyond, up to the
    policy's KL.
    """
    if not rounds:
        return None
    last = rounds[-1]
    models = [one.model for one in (*rounds, *others)]
    kl_high = 1.12 * max(
        [m.kl_nats.high or m.kl_nats.value for m in models]
        + [last.max_trustworthy_kl_nats]
        + [point.kl_nats for point in last.best_of_n]
    )
    points = [p for p in last.points if p.kl_nats <= kl_high]
    rewards = [p.reward for p in points] + [p.reward for p in last.best_of_n]
    rewards += [end for model in models for end in (*_ends(model.reward), model.reward.value)]
    plot = Plot(
        "frontier",
        "Reward against KL",
        _describe(last),
        x_range=(0.0, kl_high),
        y_range=padded_range([*rewards, last.reference_reward]),
        size=SIZE,
        right=70.0,
    )
    plot.axes(x_label="KL from the reference (nats per response)")
    _draw_best(plot, points, last.reference_reward)
    for row in last.best_of_n[1:]:
        plot.dot(row.kl_nats, row.reward, "hollow", radius=3.0)
    for one in others:
        _draw_model(plot, one.model, "earlier")
    _draw_policies(plot, [one.model for one in rounds])
    _write_names(plot, last, points, models)
    return plot.markup()


def _draw_best(plot: Plot, points: Sequence[FrontierPointFigures], base: float) -> None:
    solid = [p for p in points if p.is_trustworthy]
    dotted = solid[-1:] + [p for p in points if not p.is_trustworthy]
    xs, ys = [0.0, *(p.kl_nats for p in solid)], [base, *(p.reward for p in solid)]
    plot.line(xs, ys, "best")
    plot.line([p.kl_nats for p in dotted], [p.reward for p in dotted], "best dotted")
    plot.dot(0.0, base, "reference")


def _write_names(
    plot: Plot,
    last: FrontierFigures,
    points: Sequence[FrontierPointFigures],
    models: Sequence[PlacedModelFigures],
) -> None:
    """Write what the points are, where no name covers a point or another name."""
    labels = PointLabels(plot, width=SIZE[0])
    labels.keep_clear(0.0, last.reference_reward)
    for row in last.best_of_n[1:]:
        labels.keep_clear(row.kl_nats, row.reward)
    for model in models:
        labels.keep_clear(model.kl_nats.value, model.reward.value)
    tuned = last.model
    labels.write("tuned model", "policy", tuned.kl_nats.value, tuned.reward.value)
    labels.write("reference", "reference", 0.0, last.reference_reward)
    if len(last.best_of_n) > 1:
        most = last.best_of_n[-1]
        labels.write(f"best of {most.n}", "second", most.kl_nats, most.reward)
    if points:
        labels.write("best reachable", "best", points[-1].kl_nats, points[-1].reward)


def _draw_policies(plot: Plot, models: Sequence[PlacedModelFigures]) -> None:
    """Draw the policies of all rounds, with a line from one to the next."""
    xs = [model.kl_nats.value for model in models]
    ys = [model.reward.value for model in models]
    plot.line(xs, ys, "policy thin")
    for model in models:
        _draw_model(plot, model, "policy")


def _draw_model(plot: Plot, model: PlacedModelFigures, class_: str) -> None:
    """Draw a model where it lies, with its intervals."""
    x, y = model.kl_nats.value, model.reward.value
    if ends := _ends(model.kl_nats):
        # No KL lies below 0, whatever its estimate's interval does.
        plot.whisker(class_, x=(max(0.0, ends[0]), ends[1]), y=(y, y))
    if ends := _ends(model.reward):
        plot.whisker(class_, x=(x, x), y=ends)
    plot.dot(x, y, class_, radius=4.5)


def _ends(estimate: EstimateFigure) -> tuple[float, float] | tuple[()]:
    if estimate.low is None or estimate.high is None:
        return ()
    return (estimate.low, estimate.high)


def _describe(figures: FrontierFigures) -> str:
    kl = figures.model.kl_nats.value
    return (
        f"The tuned model reaches a reward of {number(figures.model.reward.value)} at a KL of "
        f"{at_most(kl) if figures.model.is_bound else number(kl)} nats; the reference has "
        f"{number(figures.reference_reward)}. The best reachable curve may be trusted up to "
        f"{number(figures.max_trustworthy_kl_nats)} nats."
    )
