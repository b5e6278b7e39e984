"""S9: the KL coefficient of the run file is not the one that the rewards are shaped with."""

from pathlib import Path

import pytest
import torch

from prefloop.functional.kl import kl_k1
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource
from prefloop.records import Prompt
from prefloop.settings.policy import KLConfig, PolicyConfig
from tests.silent_bugs.parts import roles_and_tokenizer, sampler
from tests.tolerances import FP32

PROMPTS = [Prompt(id=str(i), text="He was sad.", source="test", split="train") for i in range(8)]


class Indifferent:
    """A reward model that scores everything 0, so that the reward is the KL penalty alone."""

    reference_spread = None

    def score(self, sequences: list[list[int]]) -> torch.Tensor:
        return torch.zeros(len(sequences))


@pytest.mark.parametrize("coef", [0.0, 0.37, 5.0])
def test_the_coefficient_of_the_run_file_is_the_one_in_the_rewards(
    gpt2_folder: Path, coef: float
) -> None:
    roles, _ = roles_and_tokenizer(gpt2_folder)
    maker, _ = sampler(gpt2_folder)
    config = PolicyConfig(
        batch_size=8,
        episodes=80,
        options={"lam": 1.0, "whiten_rewards": False},
        kl=KLConfig(coef=coef, control="fixed"),
    )
    reward = RewardModelSource(Indifferent(), maker)  # type: ignore[arg-type]
    trainer = build_trainer(roles, reward, maker, config, seed=1)
    with torch.no_grad():
        for _, parameter in roles.policy.named_parameters:
            parameter.add_(0.2)
    rollout = trainer.collect(PROMPTS)
    ended = torch.where(rollout.is_ended, 0.0, maker.task.missing_stop_score)
    kl = kl_k1(rollout.logprobs, rollout.ref_logprobs, rollout.mask).sum(dim=1)
    assert kl.abs().min() > 0.1
    first_returns = trainer.method.targets(rollout, kl_coef=trainer.kl_coef)["returns"][:, 0]
    torch.testing.assert_close(first_returns, ended - coef * kl, **FP32)
