"""Agreement between labelers, and with researchers."""

import numpy as np

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import (
    agreements_with_others,
    agreements_with_owners,
    overall_agreement,
    overall_with_owners,
)
from prefloop.records import Comparison
from tests.tolerances import FP64
from tests.unit.comparisons.quality.answers import label

LABELS = [
    label("a", "bob", 1),
    label("a", "ann", 1),
    label("a", "cleo", 0),
    label("b", "ann", 0),
    label("b", "bob", answer="tie"),
    label("c", "ann", 2, shown=(0, 1, 2, 3)),
    label("c", "cleo", 2, shown=(3, 2, 1, 0)),
]


def test_agreement_counts_choices_only_and_knows_chance() -> None:
    """One of three pairs on a, the one pair on c; a tie names no sample."""
    found = overall_agreement(LabelHistory(labels=LABELS))
    assert found is not None
    assert (found.estimate.value, found.estimate.n, found.estimate.n_clusters) == (0.5, 4, 2)
    chance = (3 * 0.5 + 0.25) / 4
    np.testing.assert_allclose(found.chance, chance, **FP64)
    np.testing.assert_allclose(found.above_chance, (0.5 - chance) / (1 - chance), **FP64)
    assert found.message.startswith("Two labels on one question name the same sample in 50 % of 4")
    assert found.message.endswith("guessing would give 44 %.")


def test_two_answers_of_one_labeler_are_no_agreement() -> None:
    assert overall_agreement(LabelHistory(labels=[LABELS[0], LABELS[0]])) is None


def test_each_labeler_is_left_out_of_the_others() -> None:
    found = agreements_with_others(LabelHistory(labels=LABELS))
    shares = {name: e.value for name, e in found.items() if e}
    assert shares == {"ann": 2 / 3, "bob": 0.5, "cleo": 1 / 3}


def test_excluded_labelers_are_compared_and_nobody_is_compared_with_them() -> None:
    history = LabelHistory(labels=LABELS, excluded=frozenset({"cleo"}))
    found = agreements_with_others(history)
    assert {name: e.value for name, e in found.items() if e} == {
        "ann": 1.0,
        "bob": 1.0,
        "cleo": 1 / 3,
    }
    overall = overall_agreement(history)
    assert overall is not None
    assert (overall.estimate.value, overall.estimate.n) == (1.0, 1)


def test_agreement_with_researchers() -> None:
    history = LabelHistory(labels=LABELS, owners=frozenset({"ann"}))
    found = agreements_with_owners(history)
    assert {name: e.value if e else None for name, e in found.items()} == {
        "ann": None,
        "bob": 1.0,
        "cleo": 0.5,
    }
    overall = overall_with_owners(history)
    assert overall is not None
    assert (overall.value, overall.n) == (2 / 3, 3)
    assert overall_with_owners(LabelHistory(labels=LABELS)) is None


def test_labels_without_an_order_take_the_number_of_samples_from_the_question() -> None:
    labels = [label("a", "ann", 0, shown=()), label("a", "bob", 0, shown=())]
    assert overall_agreement(LabelHistory(labels=labels)) is None
    asked = Comparison(
        id="a", prompt_id="p", sample_ids=("a-0", "a-1", "a-2"), round=0, split="train"
    )
    found = overall_agreement(LabelHistory(labels=labels, comparisons={"a": asked}))
    assert found is not None
    np.testing.assert_allclose(found.chance, 1 / 3, **FP64)


def test_nothing_is_no_agreement() -> None:
    assert overall_agreement(LabelHistory(labels=[])) is None
    assert agreements_with_others(LabelHistory(labels=[])) == {}
