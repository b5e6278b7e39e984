"""What responses have in common, by hand."""

from collections.abc import Sequence

import pytest

from prefloop.doctor.judgment import _repetition
from prefloop.evaluation.repetition import repetition_figures
from prefloop.figures.repetition import PhraseFigures
from prefloop.records import Sample
from tests.unit.comparisons.builders import make_prompt, make_samples

PLAIN = ["He went home.", "The dog barked at us.", "Rain fell.", "She sat down slowly."]


def samples(texts: Sequence[str]) -> list[Sample]:
    return [make_samples([text], prompt=make_prompt(i))[0] for i, text in enumerate(texts)]


def test_shares_of_responses_by_hand() -> None:
    model = ["She was a queen.", "She was a wonderful woman.", "Rain, rain fell.", "rain rain fell"]
    found = repetition_figures(samples(model), samples(PLAIN))
    assert found is not None
    assert [(o.phrase, o.share, o.baseline_share) for o in found.openings] == [
        ("rain rain fell", 0.5, 0.0),
        ("she was a", 0.5, 0.0),
    ]
    # Of 8 words two have p = 6/28 and six 1/2 (Fisher), so every q is 8/8 of 1/2.
    assert found.words[0] == PhraseFigures(phrase="a", share=0.5, baseline_share=0.0, q=0.5)
    assert {w.phrase: w.baseline_share for w in found.words}["rain"] == 0.25
    assert (found.said_before, found.baseline_said_before) == (0.25, 0.0)


def test_two_equal_responses_to_one_prompt_are_no_repetition_across_prompts() -> None:
    twice = make_samples(["Yes.", "Yes."], prompt=make_prompt(0))
    found = repetition_figures(twice, samples(PLAIN))
    assert found is not None
    assert found.said_before == 0.0


def test_without_samples_of_both_models_there_are_no_figures() -> None:
    assert repetition_figures([], samples(PLAIN)) is None
    assert repetition_figures(samples(PLAIN), []) is None
    empty = repetition_figures(samples(["", "..."]), samples(PLAIN))
    assert empty is not None
    assert (empty.openings, empty.words, empty.said_before) == ((), (), 0.5)


def of_one_word(n_after: int, n_before: int) -> list[tuple[str, str]]:
    """Return what the doctor says if a word stands in so many of 100 responses."""
    model = [f"It was {'glorious' if i < n_after else i} at {i}" for i in range(100)]
    baseline = [f"It was {'glorious' if i < n_before else i} at {i + 100}" for i in range(100)]
    figures = repetition_figures(samples(model), samples(baseline))
    return [(r.status, r.message) for r in _repetition(figures) if "word" in r.check]


def test_a_policy_that_learned_one_word_is_noticed() -> None:
    ((status, message),) = of_one_word(51, 3)
    assert status == "warn"
    assert '"glorious" stands in 51 % of the responses, before in 3 %' in message


@pytest.mark.parametrize(("n_after", "n_before"), [(18, 0), (60, 30), (3, 51)])
def test_a_word_that_is_merely_used_more_is_not(n_after: int, n_before: int) -> None:
    ((status, message),) = of_one_word(n_after, n_before)
    assert status == "ok"
    assert "rose most" in message


def test_a_rise_that_may_be_chance_has_not_taken_over() -> None:
    risen = PhraseFigures(phrase="a", share=0.5, baseline_share=0.0)
    assert risen.has_taken_over, "files of earlier versions tested nothing"
    assert risen.model_copy(update={"q": 0.01}).has_taken_over
    assert not risen.model_copy(update={"q": 0.02}).has_taken_over


def test_a_policy_that_says_one_text_to_all_is_noticed() -> None:
    figures = repetition_figures(samples(["All was well."] * 4), samples(PLAIN))
    results = {r.check: r for r in _repetition(figures)}
    assert results["responses differ"].status == "warn"
    assert "75 % of the responses were given to another prompt too" in (
        results["responses differ"].message
    )
    assert "policy.kl.coef" in results["responses differ"].action
