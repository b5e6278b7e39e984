"""Labels as training data."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prefloop.comparisons.targets import Target
from prefloop.errors import InputError
from prefloop.models.runtime import CPU
from prefloop.records import Comparison, Sample
from prefloop.rewards.dataset import (
    check_ids,
    epoch_order,
    preference_batch,
    select_comparisons,
)
from tests.stages_for_tests import PROMPTS, roles_on, sample_of, sampler_on
from tests.tolerances import EXACT


def target_of(samples: list[Sample], probabilities: tuple[float, ...]) -> Target:
    comparison = Comparison(
        id=samples[0].prompt_id,
        prompt_id=samples[0].prompt_id,
        sample_ids=tuple(s.id for s in samples),
        round=0,
        split="train",
    )
    return Target(
        comparison=comparison, probabilities=probabilities, values=probabilities, n_labels=1
    )


def test_comparisons_of_different_sizes_share_a_batch(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    samples = [[sample_of(p, [60 + n, 61], n, tokenizer) for n in range(4)] for p in PROMPTS[:2]]
    targets = [target_of(samples[0][:2], (0.0, 1.0)), target_of(samples[1], (0.25, 0.25, 0.5, 0.0))]
    batch = preference_batch(
        targets,
        {s.id: s for g in samples for s in g},
        {p.id: p for p in PROMPTS},
        sampler,
        runtime=CPU,
    )
    expected = torch.tensor([[0, 1, 0, 0], [0.25, 0.25, 0.5, 0]])
    torch.testing.assert_close(batch.targets, expected, **EXACT)
    assert batch.present.tolist() == [[True, True, False, False], [True] * 4]
    query = tokenizer.encode(PROMPTS[1].text)
    assert [list(s) for s in batch.sequences[1]] == [[*query, 60 + n, 61] for n in range(4)]
    second = select_comparisons(batch, [1])
    assert second.sequences == batch.sequences[1:]
    torch.testing.assert_close(second.targets, expected[1:], **EXACT)


def test_imported_text_is_encoded_as_a_text_of_its_own(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    imported = sample_of(PROMPTS[0], [], 0, tokenizer)
    text = Sample(**{**vars(imported), "text": " and she sang."})
    expected = tokenizer.encode(PROMPTS[0].text) + tokenizer.encode(" and she sang.")
    assert sampler.sample_ids(PROMPTS[0].text, text) == expected


def test_an_epoch_is_a_permutation_fixed_by_its_counters() -> None:
    order = epoch_order(50, 1, 0, 0)
    assert sorted(order) == list(range(50))
    assert order == epoch_order(50, 1, 0, 0)
    others = [epoch_order(50, 1, 0, 1), epoch_order(50, 1, 1, 0), epoch_order(50, 2, 0, 0)]
    assert all(other != order for other in others)
    assert others[0] != others[1]


def test_ids_of_another_tokenizer_are_told(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    samples = [sample_of(PROMPTS[0], [60, 61], n, tokenizer) for n in range(2)]
    batch = preference_batch(
        [target_of(samples, (1.0, 0.0))],
        {s.id: s for s in samples},
        {PROMPTS[0].id: PROMPTS[0]},
        sampler,
        runtime=CPU,
    )
    largest = max(i for sequence in batch.sequences[0] for i in sequence)
    check_ids(batch, vocabulary=largest + 1)
    with pytest.raises(InputError, match=f"token id {largest}, which lies outside"):
        check_ids(batch, vocabulary=largest)
    below = replace(batch, sequences=(((60, -1), (60, 61)),))
    with pytest.raises(InputError, match="token id -1, which lies outside"):
        check_ids(below, vocabulary=largest + 1)
