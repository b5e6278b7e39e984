"""KL, copying, fluency, ROUGE and the frontier, on samples whose figures are known."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from prefloop.evaluation.copying import copying_figures
from prefloop.evaluation.fluency import fluency_figures
from prefloop.evaluation.frontier import frontier_figures
from prefloop.evaluation.kl import kl_figure
from prefloop.evaluation.rouge import rouge_figures
from prefloop.figures.evaluation import CopyingMeasures
from prefloop.records import REFERENCE, Sample
from prefloop.scorers.scorer import Scores
from tests.known import known
from tests.unit.evaluation.worlds import WordCount, prompt, sample

TEXT = "The cat sat on the mat. Then it slept."


def word_counts(samples: Sequence[Sample]) -> Scores:
    """Return the number of words, minus 3."""
    return WordCount().score([""] * len(samples), [sample.text for sample in samples])


PROMPTS = {p.id: p for p in (prompt(n, TEXT) for n in range(4))}


def test_kl_is_the_mean_per_response_and_skips_unknown() -> None:
    row = kl_figure(
        [sample(0, "a", kl=2.0), sample(1, "b", kl=6.0), sample(2, "c", model=REFERENCE)]
    )
    assert row is not None
    assert (row.value, row.n) == (4.0, 2)
    assert row.low is not None and row.high is not None
    assert row.low < 4.0 < row.high
    assert kl_figure([]) is None


def test_one_response_has_no_known_spread() -> None:
    row = kl_figure([sample(0, "a", kl=2.0)])
    assert row is not None
    assert (row.low, row.high) == (None, None)


def test_a_copier_is_told_from_a_writer() -> None:
    copier = [sample(n, "The cat sat on the mat.") for n in range(4)]
    writer = [sample(n, f"Rain fell on hill {n}.", model=REFERENCE) for n in range(4)]
    got = copying_figures(PROMPTS, copier, writer)
    assert known(known(got.model).novel_sentences).value == 0.0
    assert known(known(got.baseline).novel_sentences).value == 1.0
    assert known(known(got.change).novel_sentences).value == -1.0
    assert known(known(got.model).starts_copied).value == 1.0
    assert known(known(got.model).longest_run_words).value == 6.0
    assert known(known(got.model).coverage).value == 1.0
    place = known(known(got.model).copied_place)
    assert place.value == pytest.approx(2.5 / 8) and place.n_clusters == 4
    assert known(place.low) < 2.5 / 8 < known(place.high)
    assert known(got.baseline).copied_place is known(got.change).copied_place is None
    assert got.human is None
    assert known(known(known(got.model).novel_sentences).high) > 0, "four prompts are no certainty"


def test_figures_without_the_place_of_copied_words_are_read() -> None:
    """As evaluations of earlier versions are."""
    copier = [sample(n, "The cat sat on the mat.") for n in range(4)]
    rows = known(copying_figures(PROMPTS, copier, copier).model).model_dump()
    del rows["copied_place"]
    assert CopyingMeasures.model_validate(rows).copied_place is None


def test_human_answers_stand_beside_the_models() -> None:
    prompts = {"p0": prompt(0, TEXT, reference="A cat slept.")}
    got = copying_figures(prompts, [sample(0, "It ran.")], [sample(0, "It hid.", model=REFERENCE)])
    assert known(known(got.human).novel_sentences).value == 1.0


def test_fluency_figures() -> None:
    ours = [sample(0, "ha ha ha"), sample(1, "ha ha ha")]
    theirs = [sample(0, "a b", model=REFERENCE), sample(1, "c d e", model=REFERENCE)]
    got = fluency_figures(ours, theirs)
    assert known(got.model.ref_logprob_per_token).value == -2.0
    assert known(got.baseline.ref_logprob_per_token).value == -2.0, "its own model is the reference"
    assert got.model.duplicates == 1.0
    assert got.baseline.duplicates == 0.0
    assert got.model.distinct_2 == pytest.approx(1 / 4)
    assert known(got.model.longest_repeated_run_words).value == 2.0
    assert known(got.baseline.words).value == 2.5


def test_rouge_needs_human_answers() -> None:
    ours, theirs = [sample(0, "a cat slept")], [sample(0, "dogs bark", model=REFERENCE)]
    assert rouge_figures(PROMPTS, ours, theirs) is None
    got = rouge_figures({"p0": prompt(0, TEXT, reference="a cat slept")}, ours, theirs)
    assert got is not None
    assert known(got.model.rouge_l).value == 1.0
    assert known(got.baseline.rouge_1).value == 0.0
    assert 0 < known(got.lead_3.rouge_1).value < 1


def test_frontier_places_the_policy_and_knows_its_limit() -> None:
    rng = np.random.default_rng(0)
    drawn = [
        sample(n, "w " * int(rng.integers(1, 9)), model=REFERENCE, purpose="frontier", copy=k)
        for n in range(4)
        for k in range(64)
    ]
    near = [sample(n, "w " * (4 + n % 2), kl=0.1 + 0.1 * n) for n in range(4)]
    got = frontier_figures(word_counts, PROMPTS, drawn, near)
    assert got is not None
    assert (got.n_prompts, got.n_samples) == (4, 64)
    assert got.reference_reward == pytest.approx(4.5 - 3, abs=0.3)
    assert got.model.reward.value == 1.5
    assert known(got.best_reward_at_kl) > got.reference_reward
    assert [row.n for row in got.best_of_n] == [1, 2, 4, 8, 16, 32, 64]
    assert got.best_of_n[0].reward == pytest.approx(got.reference_reward)
    far = frontier_figures(word_counts, PROMPTS, drawn, [sample(0, "w", kl=9.0)])
    assert far is not None
    assert far.best_reward_at_kl is None
    assert far.share_of_best_gain is None
    assert far.max_expressible_kl_nats == pytest.approx(math.log(64))


def test_a_model_of_whose_kl_a_bound_is_known_is_placed_there() -> None:
    rng = np.random.default_rng(0)
    drawn = [
        sample(n, "w " * int(rng.integers(1, 9)), model=REFERENCE, purpose="frontier", copy=k)
        for n in range(4)
        for k in range(64)
    ]
    chosen = [replace(sample(n, "w " * (4 + n % 2)), logprob=math.nan) for n in range(4)]
    assert kl_figure(chosen) is None, "it has no log-ratio"
    assert frontier_figures(word_counts, PROMPTS, drawn, chosen) is None
    got = frontier_figures(word_counts, PROMPTS, drawn, chosen, 0.5)
    assert got is not None and got.model.is_bound
    kl = got.model.kl_nats
    assert (kl.low, kl.value, kl.high) == (0.0, 0.5, 0.5) and "bound" in kl.how
    assert got.best_reward_at_kl is not None
    assert frontier_figures(word_counts, PROMPTS, drawn, [], 0.5) is None


def test_frontier_needs_several_samples() -> None:
    alone = [sample(0, "w", model=REFERENCE, purpose="frontier")]
    assert frontier_figures(word_counts, PROMPTS, alone, [sample(0, "w")]) is None
