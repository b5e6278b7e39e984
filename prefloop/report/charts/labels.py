"""Names beside points, moved to where they cover nothing."""

from dataclasses import dataclass, field
from typing import NamedTuple

from prefloop.report.charts.plot import Plot, draw

LETTER = 6.4
"""Width of a letter of a bold label of 11.5 pixels, on average."""

ABOVE, BELOW = 9.0, 3.0
"""How far a label reaches above and below its base line."""

PLACES = (
    (8.0, 14.0, ""),
    (8.0, -7.0, ""),
    (8.0, 4.0, ""),
    (0.0, -10.0, "middle"),
    (0.0, 20.0, "middle"),
    (-8.0, -7.0, "end"),
    (-8.0, 14.0, "end"),
    (8.0, -21.0, ""),
    (8.0, 28.0, ""),
)
"""Places beside a point that are tried in turn: right, up or down, and the text's anchor."""


class Box(NamedTuple):
    """What a label or a point covers."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two boxes overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass
class PointLabels:
    """The labels of one plot; each keeps clear of those before it and of what is taken."""

    plot: Plot
    width: float
    """Of the drawing: no label leaves it."""
    taken: list[Box] = field(default_factory=list)

    def keep_clear(self, x: float, y: float, radius: float = 5.0) -> None:
        """Take the place of a point, given in the axes' units."""
        at, up = self.plot.x(x), self.plot.y(y)
        self.taken.append(Box(at - radius, up - radius, at + radius, up + radius))

    def write(self, text: str, class_: str, x: float, y: float) -> None:
        """Write a label beside a point: at the first place that is free, or at the usual one."""
        at, up = self.plot.x(x), self.plot.y(y)
        for right, down, anchor in PLACES:
            box = _box(text, at + right, up + down, anchor)
            is_inside = box.left >= 0 and box.right <= self.width
            is_inside = is_inside and box.top >= 0 and box.bottom <= self.plot.bottom
            if is_inside and not any(box.overlaps(other) for other in self.taken):
                break
        else:
            right, down, anchor = PLACES[0]
            box = _box(text, at + right, up + down, anchor)
        self.taken.append(box)
        classes = f"value {class_} {anchor}".strip()
        draw(self.plot.root, "text", text, class_=classes, x=at + right, y=up + down)


def _box(text: str, x: float, y: float, anchor: str) -> Box:
    width = LETTER * len(text)
    left = x - {"": 0.0, "middle": width / 2, "end": width}[anchor]
    return Box(left, y - ABOVE, left + width, y + BELOW)
