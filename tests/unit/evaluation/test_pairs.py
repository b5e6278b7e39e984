"""Which samples are compared, and on how much text repetition is measured."""

import pytest

from prefloop.evaluation.estimates import pair_by_prompt
from prefloop.evaluation.fluency import fluency_figures
from prefloop.records import REFERENCE
from tests.unit.evaluation.worlds import sample


def test_of_several_samples_the_first_of_each_model_is_paired() -> None:
    ours = [sample(1, "first", copy=0), sample(0, "only"), sample(1, "second", copy=1)]
    theirs = [sample(1, "x", model=REFERENCE), sample(1, "y", model=REFERENCE, copy=1)]
    [(a, b)] = pair_by_prompt(ours, theirs)
    assert (a.text, b.text) == ("first", "x")


def test_repetition_is_measured_on_as_many_samples_of_both_models() -> None:
    """Distinct-2 falls with the amount of text: four samples against two are no comparison."""
    ours = [sample(n, text) for n, text in enumerate(["a b", "c d", "a b", "a b"])]
    theirs = [sample(n, text, model=REFERENCE) for n, text in enumerate(["a b", "c d"])]
    got = fluency_figures(ours, theirs)
    assert got.model.distinct_2 == got.baseline.distinct_2 == pytest.approx(1.0)
    assert got.model.duplicates == 0.0
