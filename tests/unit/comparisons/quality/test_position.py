"""Always-left is found, a leaning too, and an unbiased crowd is left in peace."""

import numpy as np

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.position import (
    labeler_positions,
    overall_positions,
    position_findings,
)
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.quality.answers import check, label

THRESHOLDS = Thresholds()


def crowd(seed: int, first_shares: dict[str, float], n: int = 500) -> LabelHistory:
    """Return labels of people who take the first place this often."""
    rng = np.random.default_rng(seed)
    labels = []
    for name, share in first_shares.items():
        for i in range(n):
            shown = rng.permutation(2).tolist()
            place = 0 if rng.random() < share else 1
            labels.append(label(f"q{i}", name, shown[place], shown=shown))
    return LabelHistory(labels=labels)


def found(history: LabelHistory) -> set[str]:
    return {f.labeler for f in position_findings(history, THRESHOLDS) if f.status == "found"}


def test_q3_a_65_to_35_labeler_is_found_after_500_labels() -> None:
    people = {f"fair-{i}": 0.5 for i in range(9)}
    crowds = [crowd(seed, {"leans": 0.65} | people) for seed in range(20)]
    assert sum("leans" in found(history) for history in crowds) >= 18


def test_q3_an_unbiased_crowd_of_50_has_at_most_one_false_finding() -> None:
    people = {f"fair-{i}": 0.5 for i in range(50)}
    counts = [len(found(crowd(seed, people))) for seed in range(10)]
    assert max(counts) <= 1
    assert sum(counts) <= 2


def test_a_leaning_is_asked_about_and_only_always_left_is_to_be_excluded() -> None:
    history = crowd(1, {"leans": 0.65, "left": 0.97, "right": 0.03, "fair": 0.5})
    actions = {f.labeler: f.action for f in position_findings(history, THRESHOLDS)}
    assert actions == {"leans": "ask", "left": "exclude", "right": "exclude", "fair": None}


def test_a_small_leaning_is_not_told_however_sure() -> None:
    history = crowd(2, {"slight": 0.56}, n=5000)
    assert labeler_positions(history, "slight").p_value < 1e-6
    assert found(history) == set()


def test_reason_in_words() -> None:
    labels = [label(f"q{i}", "left", 0) for i in range(45)]
    labels += [label(f"r{i}", "left", 1) for i in range(5)]
    [finding] = position_findings(LabelHistory(labels=labels), THRESHOLDS)
    assert finding.message == (
        "Chooses by position: chose the first sample shown in 45 of 50 answers (90 %; 50 % if only "
        "content counts)."
    )


def test_few_choices_are_not_enough_evidence() -> None:
    history = LabelHistory(labels=[label(f"q{i}", "ann", 0) for i in range(29)])
    [finding] = position_findings(history, THRESHOLDS)
    assert (finding.status, finding.n, finding.action) == ("not enough evidence", 29, None)


def test_ties_repeats_and_unknown_orders_do_not_count() -> None:
    labels = [
        label("a", "ann", 0),
        label("b", "ann", answer="tie"),
        label("c", "ann", 0, shown=()),
    ]
    checks = [check("d", "ann", True), check("e", "ann", True, kind="retest")]
    history = LabelHistory(labels=labels, checks=checks)
    assert labeler_positions(history, "ann").n == 2


def test_excluded_labelers_do_not_move_the_overall_figure() -> None:
    history = crowd(3, {"left": 1.0, "fair": 0.5})
    kept = LabelHistory(labels=history.labels, excluded=frozenset({"left"}))
    assert overall_positions(history).excess > 0.2
    assert overall_positions(kept).excess < 0.08
