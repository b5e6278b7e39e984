"""Where a copy met a sample that is none: counted, tested, and never told too early."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from prefloop.audits.answers import AnswerTable, answer_table
from prefloop.audits.copying import NEEDED, NEEDED_AMONG_MORE, contrast_figures, is_copy
from prefloop.records import Comparison, Label

YES_TO_A_COPY, YES_TO_OTHERS = 0.962, 0.590
"""Votes of QAGS on CNN/DM sentences (Wang, Cho, Lewis 2020)."""

RUNS = 300


def table_of(chosen: np.ndarray, n_samples: int, *, answers_each: int = 1) -> AnswerTable:
    """Return answers that chose these samples, by place; the same question `answers_each` times."""
    names = tuple(f"s{k}" for k in range(n_samples))
    comparisons = {
        f"c{i}": Comparison(
            id=f"c{i}",
            prompt_id=f"p{i}",
            sample_ids=tuple(f"{i} {name}" for name in names),
            round=0,
            split="train",
        )
        for i in range(-(-len(chosen) // answers_each))
    }
    labels = [
        Label(
            id=f"l{i}",
            comparison_id=f"c{i // answers_each}",
            labeler=f"labeler {i % 7}",
            answer="best",
            chosen=f"{i // answers_each} s{place}",
            shown=comparisons[f"c{i // answers_each}"].sample_ids,
            seconds=5.0,
            instructions="1",
        )
        for i, place in enumerate(chosen)
    ]
    return answer_table(labels, comparisons)


def first_is_copy(table: AnswerTable) -> np.ndarray:
    """Return rows in which the first sample of each question is a copy, and no other."""
    copies = np.zeros(len(table.targets), dtype=bool)
    copies[table.starts] = True
    return copies


def after(table: AnswerTable, chosen: np.ndarray) -> AnswerTable:
    """Return the same questions, answered by these places."""
    targets = np.zeros_like(table.targets)
    targets[table.starts + chosen] = 1.0
    return replace(table, targets=targets)


def fitted(rng: np.random.Generator, n: int, n_samples: int) -> np.ndarray:
    """Return choices of the labeler that was fitted to the votes; the first sample is a copy.

    log-odds = -1.0 + 0.33 c + 2.04 v,  c from 0 to 6: copied runs of words, v: copied whole.
    """
    c = rng.uniform(0, 4, size=(n, n_samples))
    likes = -1.0 + 0.33 * c
    likes[:, 0] = -1.0 + 0.33 * 6 + 2.04
    return (likes + rng.gumbel(size=likes.shape)).argmax(axis=1)


def by_votes(rng: np.random.Generator, n: int, n_samples: int) -> np.ndarray:
    """Return choices of labelers who call each sample accurate or not, as those of QAGS do, and
    take one of those that are; the first sample is a copy."""
    yes = rng.random((n, n_samples)) < np.array([YES_TO_A_COPY] + [YES_TO_OTHERS] * (n_samples - 1))
    return (yes + rng.random((n, n_samples)) * 0.5).argmax(axis=1)


def found_in(choose: Callable[..., np.ndarray], n: int, n_samples: int, seed: int) -> float:
    """Return in how many runs copies are found to be preferred."""
    rng, table = np.random.default_rng(seed), table_of(np.zeros(n, dtype=int), n_samples)
    copies = first_is_copy(table)
    runs = (contrast_figures(after(table, choose(rng, n, n_samples)), copies) for _ in range(RUNS))
    return float(np.mean([figures.status == "found" for figures in runs]))


@pytest.mark.parametrize("n_samples", [2, 4])
@pytest.mark.parametrize("n", [27, NEEDED])
def test_hurried_labels_are_warned_of_in_95_runs_of_100(n: int, n_samples: int) -> None:
    assert found_in(fitted, n, n_samples, seed=1) >= 0.95


def test_votes_on_four_samples_take_twice_as_many_answers_as_on_two() -> None:
    """Of two the copy is taken 69 % of the time; of four, several others are accurate too."""
    assert found_in(by_votes, NEEDED, 2, seed=1) >= 0.93
    assert found_in(by_votes, NEEDED, 4, seed=1) < 0.9
    assert found_in(by_votes, NEEDED_AMONG_MORE, 4, seed=1) >= 0.95


@pytest.mark.parametrize("n_samples", [2, 4])
def test_labels_that_are_indifferent_to_copying_are_hardly_ever_warned_of(n_samples: int) -> None:
    def indifferent(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
        return rng.integers(k, size=n)

    assert found_in(indifferent, 500, n_samples, seed=2) <= 0.01


def test_careful_labelers_who_avoid_copies_are_never_warned_of() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        table = table_of((rng.random(500) > 0.3).astype(int), 2)
        figures = contrast_figures(table, first_is_copy(table))
        assert figures.status == "not found"
        assert figures.taken is not None and figures.taken.lies_below(0.5)


def test_how_many_there_are_and_how_many_it_takes_is_said() -> None:
    table = table_of(np.zeros(20, dtype=int), 3)
    copies = first_is_copy(table)
    copies[30:] = False
    figures = contrast_figures(table, copies)
    assert (figures.answers, figures.questions, figures.share) == (10, 20, 0.5)
    assert (figures.status, figures.looked_at, figures.next_look) == ("not enough evidence", 0, 27)
    assert figures.needed == 244 and figures.chance == pytest.approx(1 / 3)


@pytest.mark.parametrize(("n_samples", "needed"), [(2, 122), (4, 244)])
def test_that_copies_are_not_preferred_takes_as_many_answers_as_finding_it(
    n_samples: int, needed: int
) -> None:
    for n, status in ((needed - 1, "not enough evidence"), (needed, "not found")):
        table = table_of(np.arange(n) % n_samples, n_samples)
        figures = contrast_figures(table, first_is_copy(table))
        assert (figures.status, figures.needed) == (status, needed)


@pytest.mark.parametrize(("n_samples", "needed"), [(2, 122), (4, 244)])
def test_how_many_it_takes_is_known_before_the_first_of_them(n_samples: int, needed: int) -> None:
    table = table_of(np.arange(20) % n_samples, n_samples)
    figures = contrast_figures(table, np.zeros(len(table.targets), dtype=bool))
    assert (figures.answers, figures.needed) == (0, needed)


def test_a_question_counts_once_in_the_test() -> None:
    """Two who answer the same question see the same samples: no new evidence about others."""
    table = table_of(np.zeros(40, dtype=int), 2, answers_each=2)
    figures = contrast_figures(table, first_is_copy(table))
    assert (figures.answers, figures.all_answers) == (20, 40)
    assert figures.status == "not enough evidence"


def of_prompts(table: AnswerTable, questions_each: int) -> AnswerTable:
    """Return the same answers, `questions_each` in a row about one prompt."""
    prompt = np.arange(len(table.starts)) // questions_each
    return replace(table, prompt=prompt, prompts=tuple(f"p{i}" for i in range(prompt[-1] + 1)))


def test_a_prompt_counts_once_in_the_test() -> None:
    """The first answer that contrasts: here the first question of each prompt shows no copy."""
    table = of_prompts(table_of(np.array([0, 1, 0] * 30), 2), 3)
    copies = first_is_copy(table)
    copies[0::6] = False
    figures = contrast_figures(table, copies)
    assert (figures.answers, figures.all_answers, figures.questions) == (30, 60, 90)
    assert figures.taken is not None and figures.taken.value == 0.0


def test_several_questions_about_a_prompt_find_no_preference_that_is_not_there() -> None:
    """All six pairs of four samples: a copy that is better than the others wins all of its pairs.

    Which sample is better has nothing to do with copying, so 1 run of 100 errs; with every question
    counted it was 1 of 20.
    """
    rng, n_prompts, n_runs = np.random.default_rng(4), 200, 1000
    firsts, seconds = (np.array(side) for side in ([0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3]))
    table = of_prompts(table_of(np.zeros(6 * n_prompts, dtype=int), 2), 6)
    copies = first_is_copy(table) & np.repeat(np.tile(firsts == 0, n_prompts), 2)
    found = 0
    for _ in range(n_runs):
        good = rng.normal(size=(n_prompts, 4))
        chosen = (good[:, seconds] > good[:, firsts]).astype(int).ravel()
        found += contrast_figures(after(table, chosen), copies).status == "found"
    assert found <= 0.01 * n_runs


def test_questions_of_copies_only_and_of_none_do_not_contrast() -> None:
    table = table_of(np.zeros(30, dtype=int), 2)
    for copies in (np.ones(60, dtype=bool), np.zeros(60, dtype=bool)):
        figures = contrast_figures(table, copies)
        assert (figures.answers, figures.taken, figures.chance) == (0, None, None)


def test_half_of_the_sentences_make_a_copy_and_a_word_or_two_never() -> None:
    shares = np.array([0.5, 0.4, 1.0], dtype=np.float32)
    words = np.array([20, 20, 4], dtype=np.float32)
    assert is_copy(shares, words).tolist() == [True, False, False]
