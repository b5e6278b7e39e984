"""Judges by name, and checked where they return their outcomes."""

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
import pytest

from prefloop.comparisons.labelers.labeler import LabelerKind
from prefloop.comparisons.labelers.sources import LabelerGroup
from prefloop.errors import InputError, SettingsError
from prefloop.evaluation.judges.build import CheckedJudge, build_judge, compared_with_labelers
from prefloop.evaluation.judges.judge import Outcome
from prefloop.evaluation.judges.scorer_judge import ScorerJudge
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.scorer import Scores

RUN = parse_run({}, "run.yaml")


class _Says:
    """Says what it was made with, pair by pair."""

    name: ClassVar[str] = "says"
    sources: ClassVar[frozenset[str]] = frozenset({"itself"})
    description: ClassVar[str] = "a judge that says what it was made with"

    def __init__(self, *outcomes: str) -> None:
        self.outcomes = list(outcomes)

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        return cast(Outcome, self.outcomes.pop(0))


class _SaysAll(_Says):
    def compare_all(self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[str]:
        return self.outcomes


class _Words:
    name: ClassVar[str] = "words"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "a count of words"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        return np.array([float(len(text.split())) for text in responses])


def test_a_scorer_is_a_judge_under_its_own_name() -> None:
    judge = build_judge("length", RUN)
    assert judge.compare("", "one two three", "one") == "win"
    assert judge.compare_all(["", ""], ["one", "one two"], ["one", "one two three"]) == [
        "tie",
        "loss",
    ]
    assert judge.name == "length" and judge.sources == {"length"}
    assert judge.description == "a preference for length"
    assert judge.scorer is not None
    assert judge.scorer.fingerprint == build_scorer("length", {}).fingerprint


def test_swapping_the_responses_swaps_the_outcome() -> None:
    judge = build_judge("sentiment", RUN)
    good, bad = "A lovely, happy day.", "A dreadful and sad day."
    assert (judge.compare("", good, bad), judge.compare("", bad, good)) == ("win", "loss")


def test_scores_within_the_margin_are_a_tie() -> None:
    judge = ScorerJudge(CheckedScorer("words", _Words()), tie_margin=1.0)
    assert judge.compare("", "a b", "a") == "tie"
    assert judge.compare("", "a b c", "a") == "win"
    assert judge.by_scores([0.0, 0.0, 0.0], [1.0, 1.5, -1.5]) == ["tie", "loss", "win"]


def test_a_judge_of_pairs_is_asked_pair_by_pair() -> None:
    judge = CheckedJudge("says", _Says("win", "tie", "loss"))
    assert judge.compare_all(["p"] * 3, ["a"] * 3, ["b"] * 3) == ["win", "tie", "loss"]
    assert judge.scorer is None and judge.sources == {"itself"}


def test_a_judge_of_many_pairs_is_asked_once() -> None:
    expected: list[Outcome] = ["win", "loss"]
    assert CheckedJudge("all", _SaysAll(*expected)).compare_all(["p"] * 2, ["a"] * 2, ["b"] * 2)


def test_outcomes_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match=r"judge 'odd' returned 'better'; .* win, tie, loss"):
        CheckedJudge("odd", _Says("better")).compare("p", "a", "b")
    with pytest.raises(InputError, match="judge 'few' returned 1 outcomes for 2 pairs"):
        CheckedJudge("few", _SaysAll("win")).compare_all(["p"] * 2, ["a"] * 2, ["b"] * 2)


def test_an_exception_of_a_judge_names_the_judge_and_stays_its_cause() -> None:
    with pytest.raises(InputError, match=r"judge 'empty' .* raised IndexError: ") as caught:
        CheckedJudge("empty", _Says()).compare("p", "a", "b")
    assert isinstance(caught.value.__cause__, IndexError)


def test_an_unknown_judge_is_refused_with_a_guess() -> None:
    with pytest.raises(SettingsError, match="'lexcon' is not known; did you mean 'lexicon'"):
        parse_run({"evaluation": {"judges": ["lexcon"]}}, "run.yaml")
    with pytest.raises(SettingsError, match=r"judges\.j: judge 'lm' is not known"):
        parse_run({"judges": {"j": {"kind": "lm"}}}, "run.yaml")


def group(kind: LabelerKind, *sources: str) -> LabelerGroup:
    return LabelerGroup(kind=kind, labelers=("x",), n_labels=1200, sources=frozenset(sources))


def test_a_judge_that_shares_a_source_with_stored_labels_is_refused() -> None:
    judge = build_judge("length", RUN)
    kinds: tuple[LabelerKind, ...] = ("synthetic", "program", "imported")
    for kind in kinds:
        with pytest.raises(SettingsError, match=rf"'length' is no .* 1,200 {kind} labels .*length"):
            compared_with_labelers(judge, [group(kind, "imagery", "length")])
    assert compared_with_labelers(judge, [group("synthetic", "imagery")]).shared_sources == ()


def test_a_person_who_labeled_may_judge_and_is_reported() -> None:
    class Ann(_Says):
        sources: ClassVar[frozenset[str]] = frozenset({"person:ann"})

    ann = CheckedJudge("ann", Ann())
    people = group("person", "person:ann", "person:bob")
    assert compared_with_labelers(ann, [people]).shared_sources == ("person:ann",)
    assert compared_with_labelers(ann, [group("person", "person:eve")]).shared_sources == ()
