"""A sheet with two axes on which charts are drawn.

SVG is built as a tree, never as text, so that names from a run cannot become markup. Colors are
classes; the page's style sheet gives them values for light and dark.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from prefloop.figures import text as texts
from prefloop.report.charts.scale import Scale, round_ticks


def draw(parent: Element, tag: str, text: str | None = None, **attributes: object) -> Element:
    """Add an element; `font_size=3` becomes `font-size="3"`, `class_` becomes `class`."""
    values = {
        name.rstrip("_").replace("_", "-"): f"{value:.2f}"
        if isinstance(value, float)
        else str(value)
        for name, value in attributes.items()
    }
    child = SubElement(parent, tag, values)
    child.text = text
    return child


def sheet(slug: str, title: str, description: str, width: int, height: int) -> Element:
    """Return an empty drawing that a screen reader can announce."""
    root = Element(
        "svg",
        {
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-labelledby": f"{slug}-title {slug}-desc",
            "class": "chart",
        },
    )
    draw(root, "title", title, id=f"{slug}-title")
    draw(root, "desc", description, id=f"{slug}-desc")
    return root


def markup(root: Element) -> Markup:
    """Return the drawing as text that a template may insert: the tree escapes what it holds."""
    return Markup(tostring(root, encoding="unicode"))


class Plot:
    """A drawing with an x axis below, a y axis at the left, and scales for both."""

    def __init__(
        self,
        slug: str,
        title: str,
        description: str,
        *,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        size: tuple[int, int] = (360, 210),
        right: float = 56.0,
    ) -> None:
        width, height = size
        self.root = sheet(slug, title, description, width, height)
        self.left, self.right, self.top, self.bottom = 44.0, width - right, 12.0, height - 36.0
        self.x = Scale(*x_range, self.left, self.right)
        self.y = Scale(*y_range, self.bottom, self.top)

    def axes(
        self,
        *,
        x_label: str,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        percent: bool = False,
        y_percent: bool = False,
    ) -> None:
        """Draw light horizontal lines with their numbers, and the x axis with its name.

        Shares are written in percent: along both axes with `percent`, or upwards alone.
        """
        across = round_ticks(self.x.low, self.x.high) if x_ticks is None else x_ticks
        up = round_ticks(self.y.low, self.y.high) if y_ticks is None else y_ticks
        for value in up:
            y = self.y(value)
            draw(self.root, "line", class_="grid", x1=self.left, x2=self.right, y1=y, y2=y)
            number = texts.percent(value) if percent or y_percent else texts.tick(value, up)
            draw(self.root, "text", number, class_="tick end", x=self.left - 6, y=y + 3.5)
        base = self.bottom
        draw(self.root, "line", class_="axis", x1=self.left, x2=self.right, y1=base, y2=base)
        for value in across:
            x = self.x(value)
            draw(self.root, "line", class_="axis", x1=x, x2=x, y1=base, y2=base + 4)
            number = texts.percent(value) if percent else texts.tick(value, across)
            draw(self.root, "text", number, class_="tick middle", x=x, y=base + 16)
        draw(self.root, "text", x_label, class_="name end", x=self.right, y=base + 31)

    def line(self, xs: Sequence[float], ys: Sequence[float], class_: str) -> None:
        """Draw a line through the points."""
        if not xs:
            return
        places = " L".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        draw(self.root, "path", class_=f"line {class_}", d=f"M{places}")

    def dot(self, x: float, y: float, class_: str, radius: float = 3.5) -> None:
        """Draw a point."""
        draw(self.root, "circle", class_=f"dot {class_}", cx=self.x(x), cy=self.y(y), r=radius)

    def whisker(self, class_: str, *, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Draw an interval as a bar with ends, along whichever axis it extends."""
        (x0, x1), (y0, y1) = ((self.x(v) for v in x), (self.y(v) for v in y))
        draw(self.root, "line", class_=f"whisker {class_}", x1=x0, x2=x1, y1=y0, y2=y1)
        dx, dy = (0, 3) if abs(x1 - x0) > abs(y1 - y0) else (3, 0)
        for px, py in ((x0, y0), (x1, y1)):
            draw(
                self.root,
                "line",
                class_=f"whisker {class_}",
                x1=px - dx,
                x2=px + dx,
                y1=py - dy,
                y2=py + dy,
            )

    def level(self, value: float, name: str) -> None:
        """Draw a dashed horizontal line with its name above it."""
        y = self.y(value)
        draw(self.root, "line", class_="level", x1=self.left, x2=self.right, y1=y, y2=y)
        draw(self.root, "text", name, class_="name", x=self.left + 5, y=y - 4)

    def boundary(self, value: float, name: str) -> None:
        """Draw a light vertical line with its name at the top."""
        x = self.x(value)
        draw(self.root, "line", class_="boundary", x1=x, x2=x, y1=self.top, y2=self.bottom)
        draw(self.root, "text", name, class_="name faint", x=x + 3, y=self.top + 8)

    def note(self, x: float, y: float, text: str, class_: str = "") -> None:
        """Write text at a place given in the axes' units."""
        draw(self.root, "text", text, class_=f"note {class_}", x=self.x(x), y=self.y(y))

    def markup(self) -> Markup:
        """Return the finished drawing."""
        return markup(self.root)
