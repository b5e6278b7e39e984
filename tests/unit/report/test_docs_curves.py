"""A run's curves as one picture for a page of the documentation."""

from xml.etree import ElementTree

from docs.curves import HEIGHT, WIDTH, curves
from prefloop.figures.metrics_line import MetricsLine
from prefloop.report.training import policy_charts


def test_charts_keep_their_size_side_by_side_and_their_marks() -> None:
    metrics = [
        MetricsLine(
            stage="policy",
            round=0,
            update=i,
            episodes=64 * i,
            values={"policy/score": 0.1 * i, "policy/kl": float(i)},
        )
        for i in range(1, 4)
    ]
    picture = curves(policy_charts(metrics, kl_levels=((6.0, "target"), (9.0, "cap"))))
    root = ElementTree.fromstring(picture)
    charts = [node for node in root.iter() if node.tag.endswith("svg")][1:]
    assert [(c.get("width"), c.get("height")) for c in charts] == [(str(WIDTH), str(HEIGHT))] * 2
    assert len({(c.get("x"), c.get("y")) for c in charts}) == 2
    assert ".chart {" not in picture
    assert ".chart .level" in picture and ".chart text" in picture
    assert picture.count('class="level"') == 2
