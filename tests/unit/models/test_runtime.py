"""Where tensors are and of which type: set in one place, followed by everything else."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from prefloop.batches import PreferenceBatch
from prefloop.models.heads import ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import (
    CPU,
    FULL_PRECISION,
    RandomStream,
    Runtime,
    shapes_only,
    start_runtime,
    to_numpy,
)
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import PROMPTS, task_of, vocabulary_of
from tests.tolerances import EXACT

DOUBLE = Runtime(device=torch.device("cpu"), dtype=torch.float64)


@pytest.fixture
def threads() -> Iterator[int]:
    """The number of threads now, which is put back."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_the_setting_is_the_number_of_threads_and_null_leaves_it(threads: int) -> None:
    assert start_runtime(ModelsConfig(threads=threads + 1)) == CPU
    assert torch.get_num_threads() == threads + 1
    start_runtime(ModelsConfig(threads=None))
    assert torch.get_num_threads() == threads + 1


def test_a_stream_gives_the_numbers_of_torch_in_the_order_of_the_calls() -> None:
    stream, generator = RandomStream(7), torch.Generator().manual_seed(7)
    uniform = stream.uniform((2, 3), device=CPU.device)
    normal = stream.normal((4,), device=CPU.device)
    torch.testing.assert_close(uniform, torch.rand((2, 3), generator=generator), **EXACT)
    torch.testing.assert_close(normal, torch.randn(4, generator=generator), **EXACT)
    assert uniform.dtype == normal.dtype == FULL_PRECISION


def test_an_array_is_made_of_what_still_has_a_gradient() -> None:
    weights = nn.Parameter(torch.tensor([1.0, 2.0]))
    np.testing.assert_array_equal(to_numpy(2 * weights), [2.0, 4.0])


def test_a_module_of_shapes_only_has_no_numbers() -> None:
    with shapes_only():
        layer = nn.Linear(3, 2)
    assert layer.weight.shape == (2, 3) and layer.weight.is_meta


@pytest.mark.parametrize("top_layers", [None, 1])
def test_everything_follows_the_type_in_which_the_model_was_loaded(
    model_folder: Path, top_layers: int | None
) -> None:
    tokenizer = load_tokenizer(model_folder)
    causal = load_causal(model_folder, tokenizer, DOUBLE)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=4, lora_top_layers=top_layers), seed=1)
    assert roles.policy.runtime == roles.reference.runtime == DOUBLE
    sampler = Sampler(
        tokenizer,
        task_of(),
        SamplesConfig(),
        vocabulary=vocabulary_of(roles),
        device=roles.policy.runtime.device,
    )
    head = ValueHead(roles.policy.width, roles.policy.runtime)
    drawn = sampler.sample(roles.policy, PROMPTS, per_prompt=2, seed=1, value_head=head).generation
    assert drawn.logprobs.dtype == FULL_PRECISION
    assert drawn.values is not None and drawn.values.dtype == DOUBLE.dtype
    assert (drawn.prefix_states is None) == (top_layers is None)
    if drawn.prefix_states is not None:
        assert drawn.prefix_states.dtype == DOUBLE.dtype
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    sequences = [(60, 61), (62, 63, 64)]
    assert model.head.weight.dtype == DOUBLE.dtype
    with model.build_prefix_cache(sequences):
        assert model.score(sequences).dtype == DOUBLE.dtype
    present = torch.tensor([[True, True]])
    batch = PreferenceBatch(
        sequences=(tuple(sequences),), targets=torch.tensor([[1.0, 0.0]]).double(), present=present
    )
    scores = model.forward_comparisons(batch)[0]
    assert scores.dtype == DOUBLE.dtype and scores.requires_grad
