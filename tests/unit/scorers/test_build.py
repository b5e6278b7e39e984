"""Scorers made by name, mixed, and checked where they hand over their numbers."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from prefloop.errors import InputError
from prefloop.registry import SCORERS
from prefloop.scorers.build import CheckedScorer, build_scorer, build_weighted
from tests.tolerances import FP64

TEXTS = ["A lovely day by the sea.", "A long and dreadful night of war and hunger."]
PLAIN = ("sentiment", "lexicon", "descriptiveness", "imagery", "length", "copying")


def test_a_mix_is_the_weighted_sum() -> None:
    parts = [build_scorer(name, {}).score(TEXTS, TEXTS) for name in ("sentiment", "length")]
    mixed = build_weighted({"sentiment": 2.0, "length": -0.5}, {}).score(TEXTS, TEXTS)
    np.testing.assert_allclose(mixed, 2 * parts[0] - 0.5 * parts[1], **FP64)
    assert mixed.dtype == np.float64


@pytest.mark.parametrize("name", [*PLAIN, "accuracy_in_a_hurry"])
def test_every_plain_scorer_scores_and_says_what_it_is(name: str) -> None:
    scores = build_scorer(name, {}).score([TEXTS[0], ""], [TEXTS[0], ""])
    assert scores.shape == (2,) and np.isfinite(scores).all()
    assert build_scorer(name, {}).score([], []).shape == (0,)
    chosen = SCORERS.load(name)
    assert chosen.name == name and chosen.sources and chosen.description


class _Returns:
    """Returns what it was made with, whatever it is asked."""

    name: ClassVar[str] = "broken"
    sources: ClassVar[frozenset[str]] = frozenset({"nothing"})
    description: ClassVar[str] = "a broken scorer"

    def __init__(self, scores: Sequence[float]) -> None:
        self.scores = scores

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
        return np.array(self.scores)


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([1.0], r"'broken' returned 1 number for 2 responses"),
        (
            [1.0, float("nan")],
            r"'broken' returned nan for response 2 of 2 \(index 1\), 'A long and",
        ),
        (
            [float("inf"), float("nan")],
            r"returned inf for response 1 of 2 .*, 'A lovely .* and for 1 more\.",
        ),
    ],
)
def test_numbers_that_are_none_are_refused_at_the_seam(scores: list[float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        CheckedScorer("broken", _Returns(scores)).score(TEXTS, TEXTS)


class _Raises(_Returns):
    """Raises what it was not made for."""

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
        raise ZeroDivisionError("no words")


def test_an_exception_of_a_scorer_names_the_scorer_and_stays_its_cause() -> None:
    with pytest.raises(
        InputError,
        match=r"'mine' .*_Raises\) raised ZeroDivisionError: no words in"
        r" test_build.py, line \d+. Nothing that was stored is lost",
    ) as caught:
        CheckedScorer("mine", _Raises([])).score(TEXTS, TEXTS)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_users_error_of_a_scorer_is_passed_on_as_it_is() -> None:
    class Refuses(_Returns):
        def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
            raise InputError("the endpoint is away")

    with pytest.raises(InputError, match=r"^the endpoint is away$"):
        CheckedScorer("mine", Refuses([])).score(TEXTS, TEXTS)
