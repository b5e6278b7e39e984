"""Canary C8 of the pairs: all kinds of answers pass, and what is turned on the way fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.label_types.best_of_k.type import BestOfK
from prefloop.label_types.ranking.type import Ranking
from prefloop.policy.pair_batches import LabeledPair, PairBatches, PairRows
from prefloop.policy.pair_hash import StoredLabels, pair_hashes
from prefloop.records import Label
from prefloop.rewards.export_hash import ExportHashes
from prefloop.run.labeled_pairs import labeled_pairs
from prefloop.samples.sampler import Sampler
from prefloop.settings.rewards import StrengthConfig
from tests.stages_for_tests import roles_on, sampler_on
from tests.unit.comparisons.builders import make_label, make_question
from tests.wrong_twins import canary_twins as twins

FOUR, TWO, RANKED = (
    make_question([f"{n}{k}" for k in range(size)], number=n)
    for n, size in ((1, 4), (2, 2), (3, 4))
)
ORDER = replace(RANKED.comparison, label_type="ranking")
PLACES = [["p3-s2"], ["p3-s0", "p3-s3"], ["p3-s1"]]


def chosen(comparison: Any, who: str, sample: str, **details: Any) -> Label:
    label = make_label(comparison, who, "best", sample)
    return replace(label, shown=label.shown[::-1], details=details)


LABELS = [
    chosen(FOUR.comparison, "ann", "p1-s2"),
    chosen(FOUR.comparison, "ben", "p1-s0", strength="slightly"),
    make_label(FOUR.comparison, "eve", "tie"),
    make_label(FOUR.comparison, "kim", "skip"),
    chosen(TWO.comparison, "ann", "p2-s1"),
    chosen(TWO.comparison, "ben", "p2-s1"),
    chosen(TWO.comparison, "eve", "p2-s0"),
    chosen(ORDER, "ann", "p3-s2", ranking=PLACES, strength="slightly"),
]


@pytest.fixture(scope="module")
def sampler(gpt2_folder: Path) -> Sampler:
    return sampler_on(*roles_on(gpt2_folder))


def stored() -> StoredLabels:
    """Labels of three questions, of which each sample has ids of its own."""
    asked = (FOUR, TWO, RANKED)
    samples = [
        replace(sample, response_ids=(100 + 10 * n + k, 7, 8))
        for n, question in enumerate(asked)
        for k, sample in enumerate(question.samples)
    ]
    return StoredLabels(
        comparisons=[FOUR.comparison, TWO.comparison, ORDER],
        labels=LABELS,
        samples={sample.id: sample for sample in samples},
        prompts={question.prompt.id: question.prompt for question in asked},
        strength=StrengthConfig(),
    )


def hashes(
    sampler: Sampler,
    mutate: Callable[[PairRows], PairRows] = lambda rows: rows,
    can_learn: Callable[[LabeledPair], bool] = lambda pair: True,
) -> ExportHashes:
    batches = PairBatches(cast(Any, SimpleNamespace(sampler=sampler)), per_update=1)
    pairs = filter(can_learn, labeled_pairs(stored(), sampler))
    rows = mutate(batches.rows(list(pairs)))
    return pair_hashes(rows, stored(), sampler, can_learn=can_learn)


def test_pairs_of_every_kind_of_answer_are_what_the_store_holds(sampler: Sampler) -> None:
    found = hashes(sampler)
    assert found.in_store == found.in_trainer
    # All six of four samples, the one of two, and of an order all but the two that share a place.
    assert (found.n, found.what) == (6 + 1 + 5, "labeled pair")


def test_what_the_policy_cannot_learn_is_left_out_of_both(sampler: Sampler) -> None:
    found = hashes(sampler, can_learn=lambda pair: pair.prompt.id != "p2")
    assert found.in_store == found.in_trainer and found.n == 11


def test_it_does_not_matter_which_of_two_is_first(sampler: Sampler) -> None:
    def sides_swapped(rows: PairRows) -> PairRows:
        order = [i ^ 1 for i in range(len(rows.responses))]
        return PairRows(rows.prompts, [rows.responses[i] for i in order], rows.votes[order])

    found = hashes(sampler, sides_swapped)
    assert found.in_store == found.in_trainer


@pytest.mark.parametrize("kind", [BestOfK, Ranking])
def test_a_turned_winner_fails(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setattr(kind, "preferred_pairs", twins.winner_turned(kind.preferred_pairs))
    found = hashes(sampler)
    assert found.in_store != found.in_trainer


def one_too_few(rows: PairRows) -> PairRows:
    return PairRows(rows.prompts[:-2], rows.responses[:-2], rows.votes[:-2])


@pytest.mark.parametrize("twin", [twins.votes_turned, one_too_few])
def test_turned_votes_and_a_lost_pair_fail(sampler: Sampler, twin: Any) -> None:
    found = hashes(sampler, twin)
    assert found.in_store != found.in_trainer
