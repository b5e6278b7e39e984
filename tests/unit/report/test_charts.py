"""Charts: points lie where their numbers say, and texts cannot become markup."""

import math
from itertools import combinations, pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.frontier import (
    BestOfNFigures,
    FrontierFigures,
    FrontierPointFigures,
    PlacedModelFigures,
)
from prefloop.figures.text import tick
from prefloop.figures.trust import CalibrationBinFigures, CalibrationFigures
from prefloop.report.charts.curves import Curves, Series, curves_chart
from prefloop.report.charts.frontier import SIZE, frontier_chart
from prefloop.report.charts.labels import ABOVE, BELOW, LETTER, Box
from prefloop.report.charts.reliability import reliability_chart
from prefloop.report.charts.scale import Scale, padded_range, round_ticks
from prefloop.report.charts.win_bar import LEFT, RIGHT, win_bar


def _curves(**changes: object) -> Curves:
    values: dict[str, object] = {
        "slug": "kl",
        "title": "KL",
        "x_label": "episodes",
        "series": (Series(name="", x=(0.0, 50.0, 100.0), y=(0.0, 4.0, 2.0)),),
    }
    return Curves(**(values | changes))  # type: ignore[arg-type]


def _tree(markup: object) -> Element:
    return fromstring(str(markup))


def _class(root: Element, name: str) -> list[Element]:
    return [e for e in root.iter() if name in (e.get("class") or "").split()]


def _path(element: Element) -> list[tuple[float, float]]:
    points = (point.strip(" ML").split(",") for point in element.get("d", "").split(" "))
    return [(float(x), float(y)) for x, y in points]


def test_scale_maps_ends_to_ends_and_middle_to_middle() -> None:
    scale = Scale(0.0, 10.0, 100.0, 0.0)
    assert [scale(0), scale(5), scale(10)] == [100.0, 50.0, 0.0]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3.2, 7.9), (1e-5, 3e-5), (0, 123456), (5.5, 5.6)]
)
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 8
    assert all(low - 1e-9 <= t <= high + 1e-9 for t in ticks)
    assert len({tick(t, ticks) for t in ticks}) == len(ticks), "neighbors read differently"


def test_ranges_have_width_and_start_at_zero_when_near() -> None:
    assert padded_range([5.0, 5.0])[0] < 5.0 < padded_range([5.0, 5.0])[1]
    nearly = padded_range([-0.9999999999999999, -1.0])
    assert nearly[1] - nearly[0] > 0.5, "the last bits of a sum are no difference"
    assert padded_range([0.5, 10.0])[0] == 0.0
    assert padded_range([90.0, 100.0])[0] > 80.0
    assert padded_range([math.nan]) == (0.0, 1.0)


def test_a_line_goes_through_its_points() -> None:
    root = _tree(curves_chart(_curves()))
    (a, b, c) = _path(_class(root, "line")[0])
    assert a[0] < b[0] < c[0]
    assert b[1] < c[1] < a[1], "larger values lie higher on paper"
    assert math.isclose(b[0] - a[0], c[0] - b[0], abs_tol=0.2)


def test_the_target_line_lies_at_its_value() -> None:
    root = _tree(curves_chart(_curves(levels=((4.0, "target"),))))
    level = _class(root, "level")[0]
    assert abs(float(level.get("y1", "0")) - _path(_class(root, "line")[0])[1][1]) < 0.1
    assert "target" in "".join(root.itertext())


def test_charts_announce_themselves() -> None:
    root = _tree(curves_chart(_curves()))
    assert root.get("role") == "img"
    texts = {e.tag: e.text for e in root if e.tag in {"title", "desc"}}
    assert texts["title"] == "KL"
    assert "from 0 to 2.00" in (texts["desc"] or "")


def test_hostile_names_are_text() -> None:
    markup = str(curves_chart(_curves(title="<script>alert(1)</script>", x_label='"><b>')))
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    _tree(markup)


def test_gaps_are_left_out_and_many_points_are_averaged() -> None:
    holes = Series(name="", x=(0.0, 1.0, 2.0), y=(1.0, math.nan, 3.0))
    root = _tree(curves_chart(_curves(series=(holes,))))
    assert len(_path(_class(root, "line")[0])) == 2
    long = Series(name="", x=tuple(map(float, range(5000))), y=tuple(map(float, range(5000))))
    root = _tree(curves_chart(_curves(series=(long,))))
    assert len(_path(_class(root, "line")[0])) == 300


def test_nothing_finite_gives_no_chart() -> None:
    assert curves_chart(_curves(series=(Series(name="", x=(1.0,), y=(math.inf,)),))) is None


def test_end_labels_keep_their_distance() -> None:
    series = tuple(Series(name=f"r{i}", x=(0.0, 1.0), y=(0.0, 1.0 + i / 1000)) for i in range(3))
    root = _tree(curves_chart(_curves(series=series)))
    places = sorted(float(e.get("y", "0")) for e in _class(root, "value"))
    assert all(b - a >= 11.9 for a, b in pairwise(places))


def test_the_win_bar_is_divided_as_the_verdicts_are() -> None:
    rate = EstimateFigure(
        value=0.65, low=0.5, high=0.8, confidence=0.95, n=10, n_clusters=10, how="by hand"
    )
    figures = WinRateFigures(
        judge="lexicon",
        description="a list of rated words",
        n=10,
        wins=6,
        ties=1,
        losses=3,
        rate=rate,
        decisive_rate=rate,
        score=None,
        baseline_score=None,
        positive=None,
        baseline_positive=None,
        verdict_ids=(),
    )
    root = _tree(win_bar(figures))
    widths = [float(e.get("width", "0")) for e in _class(root, "bar")]
    span = RIGHT - LEFT
    assert widths == pytest.approx([0.6 * span, 0.1 * span, 0.3 * span], abs=0.01)
    whisker = _class(root, "whisker")[0]
    assert float(whisker.get("x1", "0")) == pytest.approx(LEFT + 0.5 * span, abs=0.01)


def test_reliability_points_lie_on_the_diagonal_if_probabilities_come_true() -> None:
    bins = tuple(
        CalibrationBinFigures(
            low=p - 0.1,
            high=p + 0.1,
            n=10,
            mean_probability=p,
            frequency=p,
            interval=(p - 0.05, p + 0.05),
        )
        for p in (0.2, 0.8)
    )
    calibration = CalibrationFigures(error=0.0, n=20, bins=bins)
    root = _tree(reliability_chart(calibration, "r", "Reliability"))
    (x0, y0), (x1, y1) = _path(_class(root, "diagonal")[0])
    for dot in _class(root, "dot"):
        x, y = float(dot.get("cx", "0")), float(dot.get("cy", "0"))
        assert abs((x - x0) / (x1 - x0) - (y - y0) / (y1 - y0)) < 0.001


def test_the_axis_of_a_share_ends_at_one() -> None:
    flat = Series(name="", x=(0.0, 1.0), y=(1.0, 1.0))
    root = _tree(curves_chart(_curves(series=(flat,), limits=(0.0, 1.0))))
    assert (
        max(float(e.text or "0") for e in _class(root, "tick") if "end" in e.get("class", "")) == 1
    )


def _frontier(kl: float, reward: float) -> FrontierFigures:
    def estimate(value: float) -> EstimateFigure:
        return EstimateFigure(
            value=value, low=value - 1, high=value + 1, confidence=0.95, n=9, n_clusters=9, how="x"
        )

    return FrontierFigures(
        points=(),
        max_trustworthy_kl_nats=0.0,
        max_expressible_kl_nats=1.0,
        n_prompts=9,
        n_samples=4,
        best_of_n=(BestOfNFigures(n=1, kl_nats=0.0, reward=0.0),),
        reference_reward=0.0,
        model=PlacedModelFigures(kl_nats=estimate(kl), reward=estimate(reward)),
        best_reward_at_kl=None,
        share_of_best_gain=None,
    )


def test_other_models_are_points_beside_the_line_of_rounds() -> None:
    rounds, others = [_frontier(0.5, 1.0), _frontier(4.0, 2.0)], [_frontier(9.0, 0.5)]
    root = _tree(frontier_chart(rounds, others))
    (line,) = [e for e in _class(root, "line") if "thin" in e.get("class", "")]
    assert len(_path(line)) == 2
    dots = [e.get("class", "") for e in _class(root, "dot")]
    assert dots.count("dot policy") == 2
    assert dots.count("dot earlier") == 1
    axis = float(_class(root, "axis")[0].get("x1", "0"))
    assert min(float(e.get("x1", "0")) for e in _class(root, "whisker")) >= axis, "no KL below 0"


def test_without_a_round_nothing_is_drawn() -> None:
    assert frontier_chart([], [_frontier(1.0, 1.0)]) is None


def _boxes(root: Element) -> list[Box]:
    """Return what each name beside a point covers, by the same measure of letters."""
    found = []
    for e in _class(root, "value"):
        x, y, width = float(e.get("x", "0")), float(e.get("y", "0")), LETTER * len(e.text or "")
        classes = (e.get("class") or "").split()
        left = x - (width / 2 if "middle" in classes else width if "end" in classes else 0)
        found.append(Box(left, y - ABOVE, left + width, y + BELOW))
    return found


@pytest.mark.parametrize("kl", [0.05, 0.6, 1.1, 2.0, 6.0])
@pytest.mark.parametrize("reward", [0.0, 0.9, 1.0, 1.1])
def test_names_cover_neither_points_nor_each_other(kl: float, reward: float) -> None:
    best = (
        BestOfNFigures(n=1, kl_nats=0.0, reward=0.0),
        BestOfNFigures(n=8, kl_nats=1.2, reward=1),
    )
    point = FrontierPointFigures(
        beta=1.0, kl_nats=1.1, reward=1.05, effective_samples=9.0, is_trustworthy=True
    )
    figures = _frontier(kl, reward).model_copy(update={"best_of_n": best, "points": (point,)})
    root = _tree(frontier_chart([figures]))
    boxes = _boxes(root)
    assert len(boxes) == 4
    assert not [1 for a, b in combinations(boxes, 2) if a.overlaps(b)]
    for dot in _class(root, "dot"):
        x, y = float(dot.get("cx", "0")), float(dot.get("cy", "0"))
        assert not [box for box in boxes if box.overlaps(Box(x - 3, y - 3, x + 3, y + 3))]
    assert all(box.left >= 0 and box.right <= SIZE[0] for box in boxes)


@pytest.mark.parametrize(("wins", "ties"), [(15, 182), (198, 1), (0, 1), (199, 1)])
def test_ties_have_their_name_within_the_drawing(wins: int, ties: int) -> None:
    rate = EstimateFigure(
        value=0.5, low=0.4, high=0.6, confidence=0.95, n=200, n_clusters=200, how="x"
    )
    figures = WinRateFigures(
        judge="x",
        description="x",
        n=200,
        wins=wins,
        ties=ties,
        losses=200 - wins - ties,
        rate=rate,
        decisive_rate=None,
        score=None,
        baseline_score=None,
        positive=None,
        baseline_positive=None,
        verdict_ids=(),
    )
    (name,) = _class(_tree(win_bar(figures)), "name")
    assert name.text == ("1 tie" if ties == 1 else f"{ties} ties")
    half = LETTER * len(name.text or "") / 2
    assert float(name.get("x", "0")) - half + 4 >= LEFT
    assert float(name.get("x", "0")) + half - 4 <= RIGHT


def test_names_at_the_ends_of_lines_stay_within_the_drawing() -> None:
    series = (
        Series(name="r0", x=(0.0, 100.0), y=(0.5, 1.23)),
        Series(name="r1", x=(0.0, 100.0), y=(0.5, 1.14)),
    )
    root = _tree(curves_chart(_curves(series=series)))
    width = float((root.get("viewBox") or "").split()[2])
    assert len(_boxes(root)) == 2
    assert all(box.right <= width for box in _boxes(root))
