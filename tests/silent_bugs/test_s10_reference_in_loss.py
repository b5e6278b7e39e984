"""S10: the reference model reaches the loss.

Reported as NVIDIA-NeMo/labs-molt PR #130: with KL > 0 a reference was loaded, and nothing used it.
"""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.stages_for_tests import PROMPTS, Adapter, disturb, trainer_on
from tests.tolerances import FP32


def gradient(folder: Path, adapter: Adapter, *, kl_coef: float, twin: bool = False) -> Tensor:
    """Return the policy's gradient of one step; the twin's reference is the policy itself."""
    trainer = trainer_on(folder, adapter=adapter, options={"whiten_rewards": False})
    disturb(trainer.collector.roles.policy)
    rollout = trainer.collect(PROMPTS)
    if twin:
        rollout = dataclasses.replace(rollout, ref_logprobs=rollout.logprobs)
    trainer.optimizer.step(rollout, kl_coef=kl_coef)
    return torch.cat(
        [
            torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten()
            for _, p in trainer.collector.roles.policy.named_parameters
        ]
    )


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_the_kl_coefficient_changes_the_gradient(gpt2_folder: Path, adapter: Adapter) -> None:
    off, on = (gradient(gpt2_folder, adapter, kl_coef=c) for c in (0.0, 1.0))
    assert off.norm() > 0
    assert (on - off).norm() > 0.1 * off.norm()
    off, on = (gradient(gpt2_folder, adapter, kl_coef=c, twin=True) for c in (0.0, 1.0))
    torch.testing.assert_close(on, off, **FP32)
