"""A trainer whose reward is known, for tests of the policy room."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from prefloop.batches import PreferenceBatch
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Prompt
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import Adapter, roles_on, sampler_on, trainer_of

PROMPTS = [
    Prompt(id=str(i), text=text, source="test", split="train")
    for i, text in enumerate(["The sun was warm.", "He was sad.", "Call me Ishmael."])
]


class LikesEven:
    """A reward model that likes even token ids among the last six: one point for each."""

    reference_spread = None
    fingerprint = "likes even"
    head = SimpleNamespace(weight=torch.zeros(1))

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        return self.sign * torch.tensor([float(sum(i % 2 == 0 for i in s[-6:])) for s in sequences])

    def forward_comparisons(self, batch: PreferenceBatch) -> Tensor:
        return torch.stack([self.score(group) for group in batch.sequences])[None]


def trainer_on(
    folder: Path, reward: Any = None, *, adapter: Adapter = "lora", **changes: Any
) -> PolicyTrainer:
    """Return a trainer with a large batch on responses of six tokens; PPO unless asked."""
    tokenizer, roles = roles_on(folder, adapter=adapter)
    samples = SamplesConfig(**changes.pop("samples", {}))
    task = {"temperature": 1.0, **changes.pop("task", {})}
    sampler = sampler_on(tokenizer, roles, samples, **task)
    settings = {"batch_size": 32, "episodes": 3200, "microbatch_size": 32, "lr": 3e-3} | changes
    return trainer_of(roles, reward or LikesEven(), sampler, **settings)


def lines_of(trainer: PolicyTrainer, updates: int) -> list[dict[str, float]]:
    """Make some updates and return their metrics."""
    return [trainer.step(trainer.prompts_of(trainer.update, PROMPTS)) for _ in range(updates)]


def scores_of(trainer: PolicyTrainer, updates: int) -> list[float]:
    """Make some updates and return their mean scores."""
    return [line["policy/score"] for line in lines_of(trainer, updates)]


def rollout_of(trainer: PolicyTrainer) -> Any:
    """Return the rollout of the next update."""
    return trainer.collect(trainer.prompts_of(trainer.update, PROMPTS))
