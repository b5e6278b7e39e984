"""Skill: found again where it is known, sure only of what the answers say."""

from dataclasses import replace

import numpy as np
import pytest

from prefloop.functional.skill import SkillAnswers, Skills, one_coin_skills, right_probability
from tests.tolerances import FP64

TRUE = np.array([0.8, 0.6, 0.5, 0.4, 0.2, 0.0, 0.0, -0.5, 0.5, 0.5])


def crowd(
    seed: int, *, k: int = 2, questions: int = 400, each: int = 3, gold: int = 20
) -> SkillAnswers:
    """Return answers of ten people whose skills are known."""
    rng = np.random.default_rng(seed)
    people = len(TRUE)
    labeler = np.concatenate([rng.permutation(people)[:each] for _ in range(questions)])
    question = np.repeat(np.arange(questions), each)
    best = rng.integers(k, size=questions)[question]
    p = right_probability(TRUE[labeler], np.full(labeler.size, float(k)))
    wrong = (best + rng.integers(1, k, size=labeler.size)) % k
    chosen = np.where(rng.random(labeler.size) < p, best, wrong)
    who = np.repeat(np.arange(people), gold)
    known = rng.random(who.size) < right_probability(TRUE[who], np.full(who.size, float(k)))
    return SkillAnswers(
        labeler=np.concatenate([labeler, who]),
        question=np.concatenate([question, np.full(who.size, questions)]),
        option=np.concatenate([k * question + chosen, np.full(who.size, k * questions)]),
        n_options=np.full(labeler.size + who.size, k),
        is_right=np.concatenate([np.full(labeler.size, np.nan), known.astype(float)]),
        n_labelers=people,
    )


@pytest.mark.parametrize("k", [2, 4])
def test_skills_are_found_again(k: int) -> None:
    found = one_coin_skills(crowd(0, k=k, questions=4000))
    sizes = np.full(len(TRUE), float(k))
    got, known = right_probability(found.mean(), sizes), right_probability(TRUE, sizes)
    assert np.abs(got - known).max() < 0.06


@pytest.mark.parametrize("k", [2, 4])
def test_intervals_hold_the_skill(k: int) -> None:
    hits = []
    for seed in range(40):
        found = one_coin_skills(crowd(seed, k=k))
        low, high = found.quantile(0.025), found.quantile(0.975)
        hits.append((low <= TRUE) & (high >= TRUE))
    assert 0.90 <= np.mean(hits) <= 0.99


def test_answers_that_nothing_speaks_to_say_nothing() -> None:
    """A question that one person answered cannot tell how good they are."""
    lonely = SkillAnswers(
        labeler=np.array([0, 0, 0]),
        question=np.array([0, 1, 2]),
        option=np.array([0, 2, 4]),
        n_options=np.array([2, 2, 2]),
        is_right=np.full(3, np.nan),
        n_labelers=2,
    )
    found = one_coin_skills(lonely)
    assert found.n.tolist() == [0, 0]
    np.testing.assert_allclose(found.probability[0], found.probability[1], **FP64)
    np.testing.assert_allclose(found.mean(), 0.0, **FP64)


def test_without_gold_the_majority_is_believed_and_with_it_the_key() -> None:
    """A crowd that is flipped as a whole looks fine to itself; gold shows it."""
    answers = crowd(1, questions=600)
    blind = replace(answers, is_right=np.full(len(answers.is_right), np.nan))
    is_gold = ~np.isnan(answers.is_right)
    columns = ("labeler", "question", "option", "n_options")
    flipped = replace(
        answers,
        **{name: getattr(answers, name)[is_gold] for name in columns},
        is_right=1 - answers.is_right[is_gold],
    )
    assert one_coin_skills(blind).mean()[:4].min() > 0.2
    assert one_coin_skills(flipped).mean()[:4].max() < 0


def test_renaming_labelers_moves_their_skills_and_nothing_else() -> None:
    answers = crowd(2)
    names = np.random.default_rng(0).permutation(len(TRUE))
    renamed = one_coin_skills(replace(answers, labeler=names[answers.labeler]))
    found = one_coin_skills(answers)
    np.testing.assert_allclose(renamed.mean()[names], found.mean(), **FP64)


def test_likelihood_ratios_and_probabilities() -> None:
    found: Skills = one_coin_skills(crowd(3))
    zeros = np.zeros(len(TRUE))
    usual = np.full(len(TRUE), 0.5)
    ratio = found.ratio(zeros, usual)
    np.testing.assert_allclose(found.ratio(usual, zeros), 1 / ratio, **FP64)
    assert np.isnan(found.ratio(zeros, np.full(len(TRUE), np.nan))).all()
    np.testing.assert_allclose(found.probability.sum(axis=1), 1.0, **FP64)
    np.testing.assert_allclose(found.below(np.ones(len(TRUE))), 1.0, **FP64)
    assert (found.quantile(0.025) < found.quantile(0.975)).all()


def test_no_answers_are_no_error() -> None:
    none = np.zeros(0, dtype=np.int64)
    found = one_coin_skills(
        SkillAnswers(
            labeler=none,
            question=none,
            option=none,
            n_options=none,
            is_right=np.zeros(0),
            n_labelers=1,
        )
    )
    assert found.n.tolist() == [0]
    np.testing.assert_allclose(found.mean(), 0.0, **FP64)
