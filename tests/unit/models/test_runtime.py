"""Where tensors are and of which type: set in one place, followed by everything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from prefloop.batches import PreferenceBatch
from prefloop.errors import SettingsError
from prefloop.models.heads import ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import (
    CPU,
    FULL_PRECISION,
    RandomStream,
    Runtime,
    product_rate,
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

CUDA = torch.device("cuda:0")
ROUNDED = Runtime(device=CPU.device, dtype=torch.bfloat16)
MIXED = Runtime(device=CPU.device, dtype=FULL_PRECISION, products=torch.bfloat16)


@pytest.fixture
def threads() -> Iterator[int]:
    """The number of threads now, which is put back."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.fixture
def accelerator(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine whose torch says that there is a GPU that has bfloat16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return monkeypatch


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without an accelerator."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return monkeypatch


def test_the_setting_is_the_number_of_threads_and_null_leaves_it(
    threads: int, bare: pytest.MonkeyPatch
) -> None:
    assert start_runtime(ModelsConfig(threads=threads + 1)) == CPU
    assert torch.get_num_threads() == threads + 1
    start_runtime(ModelsConfig(threads=None))
    assert torch.get_num_threads() == threads + 1


@pytest.mark.usefixtures("accelerator")
def test_auto_takes_the_accelerator_and_the_type_that_it_has() -> None:
    assert start_runtime(ModelsConfig()) == Runtime(device=CUDA, dtype=torch.bfloat16)
    assert start_runtime(ModelsConfig(device="cpu")) == CPU
    exact = start_runtime(ModelsConfig(dtype="float32"))
    assert exact == Runtime(device=CUDA, dtype=FULL_PRECISION)


@pytest.mark.usefixtures("bare")
def test_auto_without_an_accelerator_is_the_cpu_in_float32() -> None:
    assert start_runtime(ModelsConfig()) == CPU
    assert start_runtime(ModelsConfig(dtype="bfloat16")) == ROUNDED


def test_an_accelerator_without_bfloat16_computes_in_float32(
    accelerator: pytest.MonkeyPatch,
) -> None:
    accelerator.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: False)
    assert start_runtime(ModelsConfig()) == Runtime(device=CUDA, dtype=FULL_PRECISION)
    with pytest.raises(SettingsError, match=r"models.dtype is bfloat16, .*cuda \(Some GPU\)"):
        start_runtime(ModelsConfig(dtype="bfloat16"))


def test_apple_s_accelerator_comes_after_cuda_and_computes_in_float32(
    bare: pytest.MonkeyPatch,
) -> None:
    bare.setattr(torch.backends.mps, "is_available", lambda: True)
    there = start_runtime(ModelsConfig())
    assert (there.device.type, there.dtype) == ("mps", FULL_PRECISION)


@pytest.mark.parametrize("name", ["cuda", "mps"])
@pytest.mark.usefixtures("bare")
def test_a_device_that_is_not_there_is_refused_with_what_there_is(
    name: Literal["cuda", "mps"],
) -> None:
    with pytest.raises(SettingsError, match=f"models.device is {name}, .*finds cpu.*auto"):
        start_runtime(ModelsConfig(device=name))


@pytest.mark.usefixtures("bare")
def test_weights_that_are_all_trained_stay_in_full_precision() -> None:
    assert start_runtime(ModelsConfig(dtype="bfloat16", adapter="none")) == MIXED
    warm = start_runtime(ModelsConfig(dtype="bfloat16", adapter="lora"), has_warm_start=True)
    assert warm == MIXED, "bfloat16 would swallow most of what the warm start learned"
    assert MIXED.as_settings() == ROUNDED.as_settings() == {"device": "cpu", "dtype": "bfloat16"}
    assert MIXED.is_rounded and ROUNDED.is_rounded and not CPU.is_rounded


def test_the_rate_of_products_is_that_of_the_type_of_the_products() -> None:
    assert product_rate(MIXED, size=8, times=1) > 0
    with MIXED.layers():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with CPU.layers():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == FULL_PRECISION


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


@pytest.mark.parametrize(
    ("runtime", "adapter", "top_layers"),
    [(ROUNDED, "lora", None), (ROUNDED, "lora", 1), (MIXED, "none", None)],
)
def test_the_layers_have_the_type_and_all_that_is_trained_or_measured_is_exact(
    model_folder: Path,
    runtime: Runtime,
    adapter: Literal["lora", "none"],
    top_layers: int | None,
) -> None:
    tokenizer = load_tokenizer(model_folder)
    causal = load_causal(model_folder, tokenizer, runtime)
    config = ModelsConfig(adapter=adapter, lora_rank=4, lora_top_layers=top_layers)
    roles = ModelRoles(causal, config, seed=1, products=runtime.products)
    assert roles.policy.runtime == roles.reference.runtime == roles.reward.runtime == runtime
    assert {p.dtype for _, p in roles.policy.named_parameters} == {FULL_PRECISION}
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
    assert drawn.values is not None and drawn.values.dtype == FULL_PRECISION
    assert (drawn.prefix_states is None) == (top_layers is None)
    if drawn.prefix_states is not None:
        assert drawn.prefix_states.dtype == torch.bfloat16
    hidden = roles.policy.hidden(torch.tensor([[60, 61]]), torch.ones(1, 2, dtype=torch.bool))
    assert roles.policy.logits(hidden).dtype == FULL_PRECISION
    assert not torch.equal(roles.policy.logits(hidden), roles.policy.logits(hidden).bfloat16())
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    sequences = [(60, 61), (62, 63, 64)]
    with model.build_prefix_cache(sequences):
        assert model.score(sequences).dtype == FULL_PRECISION
    present = torch.tensor([[True, True]])
    batch = PreferenceBatch(
        sequences=(tuple(sequences),), targets=torch.tensor([[1.0, 0.0]]), present=present
    )
    scores = model.forward_comparisons(batch)[0]
    assert scores.dtype == FULL_PRECISION and scores.requires_grad
    assert {p.dtype for _, p in model.named_parameters} == {FULL_PRECISION}
