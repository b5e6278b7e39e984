"""A synthetic labeler: its preference, its faults one by one, and that it repeats itself."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pytest

from prefloop.comparisons.labelers.synthetic import PRIVATE_SD, SyntheticLabeler
from prefloop.comparisons.questions import Question
from prefloop.scorers.length import LengthScorer
from prefloop.scorers.scorer import Scorer, Scores
from prefloop.scorers.sentiment import SentimentScorer
from prefloop.settings.comparisons import SyntheticConfig
from tests.known import known
from tests.tolerances import STATISTICAL
from tests.unit.comparisons.builders import HANDWRITTEN, make_question

FOUR = ("a", "a b c", "a b", "a b c d e f g h")


class NumberScorer:
    """Reads the number that the response says."""

    name: ClassVar[str] = "number"
    description: ClassVar[str] = "the number that the response says"
    sources: ClassVar[frozenset[str]] = frozenset({"numbers"})

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        return np.array([float(r) for r in responses])


def make(
    scorer: Scorer | None = None, *, name: str = "s", rounds: int = 1, **faults: Any
) -> SyntheticLabeler:
    config = SyntheticConfig(**({"disagreement": 0.0} | faults))
    return SyntheticLabeler(
        name, scorer or NumberScorer(), config, seed=1, instructions="7", rounds=rounds
    )


def numbers(*values: float, n: int = 400, round: int = 0) -> list[Question]:
    return [make_question([str(v) for v in values], number=i, round=round) for i in range(n)]


def chosen_texts(labeler: SyntheticLabeler, questions: Sequence[Question]) -> list[str | None]:
    texts = []
    for question in questions:
        chosen = labeler.answer(question).chosen
        texts.append(next((s.text for s in question.samples if s.id == chosen), None))
    return texts


def test_without_faults_the_best_is_chosen_wherever_it_is_shown() -> None:
    labels = [make().answer(q) for q in numbers(0.0, 3.0, 1.0, 2.0)]
    assert all(str(label.chosen).endswith("-s1") for label in labels)
    assert {label.shown.index(label.chosen) for label in labels} == {0, 1, 2, 3}


def test_an_answer_says_who_what_and_how_long() -> None:
    question = make_question(FOUR)
    label = make(LengthScorer(), name="ann").answer(question)
    assert (label.labeler, label.instructions, label.answer) == ("ann", "7", "best")
    assert label.chosen == question.samples[3].id
    assert sorted(label.shown) == sorted(question.comparison.sample_ids)
    assert label.seconds > 2.0


def test_answers_do_not_depend_on_the_order_of_questions() -> None:
    questions = numbers(0.0, 0.5, 1.0, 0.7, n=50)
    forward = [make(disagreement=1.0, flips=0.2).answer(q) for q in questions]
    labeler = make(disagreement=1.0, flips=0.2)
    backward = [labeler.answer(q) for q in reversed(questions)][::-1]
    assert forward == backward


def test_labelers_have_private_impressions() -> None:
    questions = numbers(0.0, 0.1, 0.2, 0.3, n=100)
    first = chosen_texts(make(name="a", disagreement=1.0), questions)
    second = chosen_texts(make(name="b", disagreement=1.0), questions)
    assert first != second


def test_noise_has_the_measured_spread() -> None:
    """Of two texts a difference d wins with probability Phi(d / (s * sqrt 2))."""
    from scipy.stats import norm

    questions = numbers(0.0, 1.0, n=1000)
    share = np.mean([t == "1.0" for t in chosen_texts(make(disagreement=1.0), questions)])
    expected = norm.cdf(1.0 / (PRIVATE_SD * np.sqrt(2)))
    np.testing.assert_allclose(share, expected, **STATISTICAL)
    doubled = np.mean([t == "1.0" for t in chosen_texts(make(disagreement=2.0), questions)])
    np.testing.assert_allclose(doubled, norm.cdf(0.5 / (PRIVATE_SD * np.sqrt(2))), **STATISTICAL)


def test_with_gumbel_noise_choices_follow_the_softmax_of_the_scores() -> None:
    """Scores are the number read; of two, softmax is the logistic of their difference."""
    from scipy.special import expit, softmax

    for disagreement in (1.0, 2.0):
        labeler = make(disagreement=disagreement, noise="gumbel")
        two = [t == "1.5" for t in chosen_texts(labeler, numbers(0.0, 1.5, n=2000))]
        np.testing.assert_allclose(np.mean(two), expit(1.5 / disagreement), **STATISTICAL)
        values = (3.02, 0.98, 0.155, -1.0)
        four = Counter(chosen_texts(labeler, numbers(*values, n=2000)))
        shares = [four[str(value)] / 2000 for value in values]
        np.testing.assert_allclose(shares, softmax(np.array(values) / disagreement), **STATISTICAL)


def test_slower_readers_take_longer_and_choose_the_same() -> None:
    questions = numbers(0.0, 0.1, 0.2, n=50)
    usual, slow = (
        [make(disagreement=1.0, words_per_minute=rate).answer(q) for q in questions]
        for rate in (238.0, 119.0)
    )
    assert [label.chosen for label in usual] == [label.chosen for label in slow]
    for quick, late in zip(usual, slow, strict=True):
        np.testing.assert_allclose(late.seconds - 2.0, 2 * (quick.seconds - 2.0), **STATISTICAL)


def test_flips_choose_any_sample() -> None:
    share = np.mean(
        [t == "3.0" for t in chosen_texts(make(flips=0.4), numbers(0.0, 3.0, 1.0, 2.0, n=1000))]
    )
    np.testing.assert_allclose(share, 0.6 + 0.4 / 4, **STATISTICAL)


def test_position_bias_pays_for_the_first_place_only() -> None:
    labels = [make(position_bias=0.5).answer(q) for q in numbers(0.0, 0.0, 0.0, 0.4)]
    assert all(
        label.shown.index(label.chosen) == 0 or known(label.chosen).endswith("s3")
        for label in labels
    )
    first = np.mean([label.shown[0] == label.chosen for label in labels])
    assert first == 1.0, "0.5 for the first place beats any lead of 0.4"
    weak = [make(position_bias=0.3).answer(q) for q in numbers(0.0, 0.0, 0.0, 0.4)]
    assert all(known(label.chosen).endswith("s3") for label in weak)


def test_the_order_shown_is_uniform() -> None:
    labels = [make().answer(q) for q in numbers(0.0, 1.0, 2.0, 3.0, n=1000)]
    places = Counter(label.shown.index(label.chosen) for label in labels)
    np.testing.assert_allclose([places[i] / 1000 for i in range(4)], 0.25, **STATISTICAL)


def test_the_lazy_pick_what_copies_most() -> None:
    prompt = "The crew slept in the harbor."
    texts = ["It was a splendid day of joy.", "The crew slept in peace."]
    questions = [make_question(texts, number=i, prompt_text=prompt) for i in range(400)]
    keen = chosen_texts(make(SentimentScorer()), questions)
    lazy = chosen_texts(make(SentimentScorer(), laziness=1.0), questions)
    half = chosen_texts(make(SentimentScorer(), laziness=0.5), questions)
    assert set(keen) == {texts[0]} and set(lazy) == {texts[1]}
    np.testing.assert_allclose(np.mean([t == texts[1] for t in half]), 0.5, **STATISTICAL)


def test_the_lazy_take_the_first_if_nothing_is_copied() -> None:
    labels = [make(laziness=1.0, tie_margin=9.0).answer(q) for q in numbers(1.0, 2.0, n=50)]
    assert all(label.chosen == label.shown[0] for label in labels)


def test_the_lazy_are_faster() -> None:
    questions = [make_question(FOUR, number=i, prompt_text="word " * 60) for i in range(50)]
    keen = [make(LengthScorer()).answer(q).seconds for q in questions]
    lazy = [make(LengthScorer(), laziness=1.0).answer(q).seconds for q in questions]
    assert np.median(lazy) < np.median(keen)


def test_close_impressions_are_a_tie() -> None:
    near, far = numbers(0.0, 1.0, 1.2, n=20), numbers(0.0, 1.0, 1.6, n=20)
    labeler = make(tie_margin=0.5)
    assert {(labeler.answer(q).answer, labeler.answer(q).chosen) for q in near} == {("tie", None)}
    assert set(chosen_texts(labeler, far)) == {"1.6"}


@pytest.mark.parametrize(("round", "best"), [(0, "1.0"), (1, "1.0"), (3, "0.0"), (4, "0.0")])
def test_drift_turns_the_preference_round_by_round(round: int, best: str) -> None:
    """With drift -2 over five rounds the weight goes 1, 0.5, 0, -0.5, -1."""
    labeler = make(drift=-2.0, rounds=5)
    assert set(chosen_texts(labeler, numbers(0.0, 1.0, n=20, round=round))) == {best}


def test_drift_needs_to_know_how_long_the_run_is() -> None:
    (question,) = numbers(0.0, 1.0, n=1, round=2)
    assert make(rounds=1).answer(question).answer == "best"
    with pytest.raises(ValueError, match="beyond a run of 2 rounds"):
        make(drift=0.5, rounds=2).answer(question)


def test_one_fault_leaves_the_other_draws_alone() -> None:
    questions = numbers(0.0, 0.4, 0.8, 0.6, n=60)
    plain = [make(disagreement=1.0).answer(q) for q in questions]
    with_flips = [make(disagreement=1.0, flips=0.3).answer(q) for q in questions]
    assert [x.shown for x in plain] == [x.shown for x in with_flips]
    kept = [a.chosen == b.chosen for a, b in zip(plain, with_flips, strict=True)]
    assert 0.6 < np.mean(kept) < 1.0


def test_two_labelers_agree_as_people_do() -> None:
    """38 % (labelers) to 62 % (authors) on four-way choices: Ziegler et al. 2019, table 9."""
    scorer = SentimentScorer()
    labelers = [make(scorer, name=f"s{i}", disagreement=1.0) for i in range(10)]
    questions = [
        make_question(group, number=repeat * 100 + i)
        for repeat in range(3)
        for i, group in enumerate(HANDWRITTEN["groups"])
    ]
    answers = np.array([[x.answer(q).chosen for q in questions] for x in labelers])
    agreement = np.mean([(a == b).mean() for a, b in combinations(answers, 2)])
    assert 0.38 <= agreement <= 0.62
    perfect = make(scorer, disagreement=0.0)
    favorites = np.array([perfect.answer(q).chosen for q in questions])
    assert agreement < (favorites == answers[0]).mean()
