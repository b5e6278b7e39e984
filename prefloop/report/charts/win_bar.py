"""Wins, ties and losses as one bar, with the win rate and its interval below."""

from xml.etree.ElementTree import Element

from markupsafe import Markup

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.text import counted, percent, share_with_interval
from prefloop.report.charts.plot import draw, markup, sheet

WIDTH, HEIGHT = 360, 98
LEFT, RIGHT = 0.0, 360.0
TOP, THICK = 20.0, 26.0
AXIS = 72.0
LETTER = 6.0


def win_bar(figures: WinRateFigures, slug: str = "win-bar") -> Markup:
    """Return the bar; its parts are prompts."""
    root = sheet(
        slug,
        "Wins, ties and losses",
        f"{figures.wins} wins, {figures.ties} ties, {figures.losses} losses; win rate "
        f"{share_with_interval(figures.rate)}.",
        WIDTH,
        HEIGHT,
    )
    span, x = RIGHT - LEFT, LEFT
    for name, n in (("win", figures.wins), ("tie", figures.ties), ("loss", figures.losses)):
        width = span * n / figures.n
        draw(root, "rect", class_=f"bar {name}", x=x, y=TOP, width=width, height=THICK)
        if name == "tie" and n:
            # Its name stands below the bar: the segment may be as narrow as one prompt.
            half = LETTER * len(ties := counted(n, "tie")) / 2
            middle = min(max(x + width / 2, LEFT + half), RIGHT - half)
            draw(root, "text", ties, class_="name middle", x=middle, y=TOP + THICK + 11)
        elif width > 30:
            draw(
                root,
                "text",
                str(n),
                class_=f"bar-text {name}",
                x=x + width / 2,
                y=TOP + THICK / 2 + 4.5,
            )
        x += width
    draw(root, "text", "tuned model preferred", class_="value policy", x=LEFT, y=TOP - 7)
    draw(root, "text", "reference preferred", class_="value reference end", x=RIGHT, y=TOP - 7)
    _draw_rate(root, figures.rate, span)
    return markup(root)


def _draw_rate(root: Element, rate: EstimateFigure, span: float) -> None:
    """Draw the win rate as a point with its interval on an axis from 0 to 100 %."""
    draw(root, "line", class_="axis", x1=LEFT, x2=RIGHT, y1=AXIS, y2=AXIS)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + span * tick
        draw(root, "line", class_="axis", x1=x, x2=x, y1=AXIS - 3, y2=AXIS + 3)
        anchor = {0.0: "", 1.0: "end"}.get(tick, "middle")
        draw(root, "text", percent(tick), class_=f"tick {anchor}", x=x, y=AXIS + 17)
    if rate.low is not None and rate.high is not None:
        low, high = (LEFT + span * end for end in (rate.low, rate.high))
        draw(root, "line", class_="whisker wide policy", x1=low, x2=high, y1=AXIS, y2=AXIS)
    middle = LEFT + span * rate.value
    draw(root, "circle", class_="dot policy", cx=middle, cy=AXIS, r=4.5)
