"""Reward against KL: the tuned model, the best any model could reach, and the best of n draws."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from prefloop.report.charts.plot import Plot, draw
from prefloop.report.charts.scale import padded_range, value_text

SIZE = (400, 290)


def frontier_chart(rounds: Sequence[dict[str, Any]]) -> Markup | None:
    """Return the chart for the frontier figures of all rounds, the latest last.

    The estimated curve is drawn solid as far as it may be trusted and dotted beyond, up to the
    policy's KL.
    """
    if not rounds:
        return None
    last = rounds[-1]
    policies = [one["policy"] for one in rounds]
    kl_high = 1.12 * max(
        [p["kl_nats"]["high"] or p["kl_nats"]["value"] for p in policies]
        + [last["max_trustworthy_kl_nats"]]
        + [point["kl_nats"] for point in last["best_of_n"]]
    )
    points = [p for p in last["points"] if p["kl_nats"] <= kl_high]
    rewards = [p["reward"] for p in points] + [p["reward"] for p in last["best_of_n"]]
    for policy in policies:
        rewards += [v for v in (policy["reward"]["low"], policy["reward"]["high"]) if v is not None]
        rewards.append(policy["reward"]["value"])
    plot = Plot(
        "frontier",
        "Reward against KL",
        _describe(last),
        x_range=(0.0, kl_high),
        y_range=padded_range([*rewards, last["reference_reward"]]),
        size=SIZE,
        right=70.0,
    )
    plot.axes(x_label="KL from the reference (nats per response)")
    _draw_best(plot, points, last["reference_reward"])
    _draw_best_of_n(plot, last["best_of_n"])
    _draw_policies(plot, policies)
    return plot.markup()


def _draw_best(plot: Plot, points: Sequence[dict[str, Any]], base: float) -> None:
    solid = [p for p in points if p["is_trustworthy"]]
    dotted = solid[-1:] + [p for p in points if not p["is_trustworthy"]]
    xs, ys = [0.0, *(p["kl_nats"] for p in solid)], [base, *(p["reward"] for p in solid)]
    plot.line(xs, ys, "best")
    plot.line([p["kl_nats"] for p in dotted], [p["reward"] for p in dotted], "best dotted")
    plot.dot(0.0, base, "reference")
    draw(
        plot.root,
        "text",
        "reference",
        class_="value reference",
        x=plot.x(0) + 8,
        y=plot.y(base) + 12,
    )
    end = points[-1] if points else None
    if end is not None:
        place = {"x": plot.x(end["kl_nats"]) + 6, "y": plot.y(end["reward"]) - 2}
        draw(plot.root, "text", "best", class_="value best", **place)
        place["y"] += 12
        draw(plot.root, "text", "reachable", class_="value best", **place)


def _draw_best_of_n(plot: Plot, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows[1:]:
        plot.dot(row["kl_nats"], row["reward"], "hollow", radius=3.0)
    if len(rows) > 1:
        end = rows[-1]
        text = f"best of {end['n']}"
        x, y = plot.x(end["kl_nats"]) + 7, plot.y(end["reward"]) + 12
        draw(plot.root, "text", text, class_="value second", x=x, y=y)


def _draw_policies(plot: Plot, policies: Sequence[dict[str, Any]]) -> None:
    xs = [p["kl_nats"]["value"] for p in policies]
    ys = [p["reward"]["value"] for p in policies]
    plot.line(xs, ys, "policy thin")
    for policy, x, y in zip(policies, xs, ys, strict=True):
        for axis, row in (("x", policy["kl_nats"]), ("y", policy["reward"])):
            if row["low"] is not None and row["high"] is not None:
                span = (row["low"], row["high"])
                plot.whisker(
                    "policy", x=span if axis == "x" else (x, x), y=span if axis == "y" else (y, y)
                )
        plot.dot(x, y, "policy", radius=4.5)
    x, y = plot.x(xs[-1]) + 8, plot.y(ys[-1]) + 16
    draw(plot.root, "text", "tuned model", class_="value policy", x=x, y=y)


def _describe(figures: dict[str, Any]) -> str:
    policy = figures["policy"]
    return (
        f"The tuned model reaches a reward of {value_text(policy['reward']['value'])} at a KL of "
        f"{value_text(policy['kl_nats']['value'])} nats; the reference has "
        f"{value_text(figures['reference_reward'])}. The best reachable curve may be trusted up to "
        f"{value_text(figures['max_trustworthy_kl_nats'])} nats."
    )
