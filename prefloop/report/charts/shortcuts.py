"""How far simple rules agree with the labelers, one line for each."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from prefloop.figures.label_audit import ShortcutFigures
from prefloop.figures.label_audit_text import named_direction
from prefloop.figures.text import percent, share_interval
from prefloop.report.charts.plot import draw, markup, sheet
from prefloop.report.charts.scale import Scale

WIDTH, LINE = 520, 22
LEFT, RIGHT, TOP = 190.0, 500.0, 22.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def shortcut_chart(
    shortcuts: Sequence[ShortcutFigures],
    chance: float,
    reward_model: float | None = None,
    slug: str = "shortcuts",
) -> Markup:
    """Return the agreement of each rule with its interval, beside chance and the reward model."""
    bottom = TOP + LINE * len(shortcuts)
    described = "; ".join(
        f"{s.title} {percent(s.agreement.value)} "
        f"({share_interval(s.agreement.low, s.agreement.high, apart_from=(chance,))})"
        for s in shortcuts
    )
    root = sheet(
        slug,
        "How far simple rules agree with the labelers",
        f"{described}. Chance is {percent(chance)}.",
        WIDTH,
        int(bottom) + 40,
    )
    x = Scale(0.0, 1.0, LEFT, RIGHT)
    _draw_axis(root, x, bottom)
    _draw_level(root, x(chance), "chance", bottom, anchor="end")
    if reward_model is not None:
        _draw_level(root, x(reward_model), "reward model", bottom)
    for place, shortcut in enumerate(shortcuts):
        y = TOP + LINE * (place + 0.5)
        draw(root, "text", named_direction(shortcut), class_="name end", x=LEFT - 10, y=y + 4)
        agreement = shortcut.agreement
        if agreement.low is not None and agreement.high is not None:
            low, high = x(agreement.low), x(agreement.high)
            draw(root, "line", class_="whisker wide policy", x1=low, x2=high, y1=y, y2=y)
        draw(root, "circle", class_="dot policy", cx=x(agreement.value), cy=y, r=4.0)
    return markup(root)


def _draw_axis(root: Element, x: Scale, bottom: float) -> None:
    for tick in TICKS:
        at = x(tick)
        draw(root, "line", class_="grid", x1=at, x2=at, y1=TOP - 6, y2=bottom)
        draw(root, "text", percent(tick), class_="tick middle", x=at, y=bottom + 16)
    draw(root, "line", class_="axis", x1=LEFT, x2=RIGHT, y1=bottom, y2=bottom)
    draw(root, "text", "share of choices", class_="name end", x=RIGHT, y=bottom + 31)


def _draw_level(root: Element, at: float, name: str, bottom: float, *, anchor: str = "") -> None:
    """Draw a dashed line with its name above it, at the left with the anchor `end`."""
    draw(root, "line", class_="level", x1=at, x2=at, y1=TOP - 6, y2=bottom)
    beside = -4.0 if anchor else 4.0
    draw(root, "text", name, class_=f"name {anchor}".strip(), x=at + beside, y=TOP - 9)
