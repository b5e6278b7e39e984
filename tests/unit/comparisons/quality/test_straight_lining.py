"""Rows of like answers, against what chance and honest habits bring."""

import numpy as np

from prefloop.comparisons.quality.finding import LabelerFinding
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.straight_lining import straight_lining_findings
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.records import Answer, Label
from tests.unit.comparisons.quality.answers import label


def of(name: str, answers: list[Answer | int]) -> list[Label]:
    """Return answers in a row; a number is the place that was chosen."""
    return [
        label(f"q{i}", name, x) if isinstance(x, int) else label(f"q{i}", name, answer=x)
        for i, x in enumerate(answers)
    ]


def finding(labels: list[Label], name: str = "ann") -> LabelerFinding:
    found = straight_lining_findings(LabelHistory(labels=labels), Thresholds())
    return next(f for f in found if f.labeler == name)


def honest(seed: int, n: int = 200, *, tie: float = 0.1) -> list[Answer | int]:
    rng = np.random.default_rng(seed)
    return ["tie" if rng.random() < tie else int(rng.integers(2)) for _ in range(n)]


def test_honest_labelers_are_left_alone() -> None:
    labels = [x for seed in range(100) for x in of(f"p{seed}", honest(seed))]
    found = straight_lining_findings(LabelHistory(labels=labels), Thresholds())
    assert [f.labeler for f in found if f.status == "found"] == []


def test_a_long_row_in_one_place_is_found() -> None:
    row = finding(of("ann", [*honest(0, 80), 0, *[1] * 25, 0, *honest(1, 78)]))
    assert (row.status, row.action, row.value) == ("found", "ask", 25.0)
    assert "25 times in a row with the second sample shown, in 185 answers" in row.message


def test_a_long_row_of_ties_is_found_by_how_often_others_tie() -> None:
    others = [x for seed in range(5) for x in of(f"p{seed}", honest(seed))]
    ties: list[Answer | int] = ["tie"] * 12
    row = finding(others + of("ann", [*honest(9, 100), *ties]))
    assert (row.status, row.value) == ("found", 12.0)
    assert "with a tie" in row.message


def test_one_who_often_ties_is_no_straight_liner() -> None:
    """Their own rate outside the row counts, if it is larger than the others'."""
    others = [x for seed in range(5) for x in of(f"p{seed}", honest(seed, tie=0.02))]
    row = finding(others + of("ann", honest(3, 200, tie=0.6)))
    assert row.status == "not found"


def test_only_ties_are_found_though_there_is_nothing_outside_the_row() -> None:
    others = [x for seed in range(3) for x in of(f"p{seed}", honest(seed))]
    row = finding(others + of("ann", ["all_bad"] * 40))
    assert (row.status, row.value) == ("found", 40.0)


def test_few_answers_are_not_enough_evidence() -> None:
    assert finding(of("ann", [0] * 29)).status == "not enough evidence"


def test_labels_without_an_order_are_no_row() -> None:
    labels = [label(f"q{i}", "ann", 0, shown=()) for i in range(60)]
    assert finding(labels).status == "not found"
