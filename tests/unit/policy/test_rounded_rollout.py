"""Where layers compute in bfloat16, steps begin from log-probabilities that steps themselves find.

Those of sampling, a token at a time with a cache, are others (silent bug S16).
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU, Runtime, start_runtime
from prefloop.policy.trainer import PolicyTrainer
from prefloop.rewards.model import RewardModel
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig
from tests.stages_for_tests import PROMPTS, Adapter, sampler_on, trainer_of
from tests.tolerances import EXACT, MODEL


def trainer_in(
    folder: Path, runtime: Runtime, adapter: Adapter, microbatch_size: int = 8, **policy: Any
) -> PolicyTrainer:
    tokenizer = load_tokenizer(folder)
    models = ModelsConfig(adapter=adapter, lora_rank=4)
    causal = load_causal(folder, tokenizer, runtime)
    roles = ModelRoles(causal, models, seed=1, products=runtime.products)
    sampler = sampler_on(tokenizer, roles, stop="e", stop_min=1)
    small = {"batch_size": 8, "episodes": 64, "microbatch_size": microbatch_size}
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    return trainer_of(roles, model, sampler, **small, kl=KLConfig(coef=0.1), **policy)


@pytest.mark.parametrize("method", ["ppo", "rloo"])
@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_a_policy_that_has_not_moved_has_a_ratio_of_1_and_no_kl(
    gpt2_folder: Path, adapter: Adapter, method: str
) -> None:
    """Also where responses to one prompt share a row, which rounds otherwise."""
    rounded = start_runtime(ModelsConfig(device="cpu", dtype="bfloat16", adapter=adapter))
    trainer = trainer_in(gpt2_folder, rounded, adapter, method=method)
    assert trainer.optimizer.shares_queries == (None if method == "ppo" else True)
    batch = trainer.collector.sample(PROMPTS, seed=1)
    rollout = trainer.collector.rollout_of(batch, trainer.collector.scores(PROMPTS, batch))
    now = trainer.optimizer.forward(rollout).logprobs.detach()
    torch.testing.assert_close(now, rollout.logprobs, **EXACT)
    torch.testing.assert_close(rollout.ref_logprobs, rollout.logprobs, **EXACT)
    drawn = batch.generation.logprobs * rollout.mask
    apart = (drawn - rollout.logprobs).abs().max()
    assert 1e-3 < apart < 0.5, "a twin that keeps the sampler's would begin with other ratios"


def test_in_full_precision_the_sampler_s_are_kept(gpt2_folder: Path) -> None:
    trainer = trainer_in(gpt2_folder, CPU, "lora")
    batch = trainer.collector.sample(PROMPTS, seed=1)
    rollout = trainer.collector.rollout_of(batch, trainer.collector.scores(PROMPTS, batch))
    assert rollout.logprobs is batch.generation.logprobs
    counts = rollout.mask
    torch.testing.assert_close(rollout.logprobs[counts], rollout.ref_logprobs[counts], **MODEL)
