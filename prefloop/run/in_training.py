"""The models that a run trains: alike in the process that leads it and in those that help."""

from pathlib import Path
from typing import NamedTuple

from prefloop.models.loading import Tokenizer
from prefloop.models.processes import Processes
from prefloop.models.roles import ModelRoles
from prefloop.policy.build import build_trainer
from prefloop.policy.reward_source import RewardModelSource, build_reward_source
from prefloop.policy.trainer import PolicyTrainer
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.run import RunConfig


class InTraining(NamedTuple):
    """What is trained, with what trains it."""

    reward_model: RewardModel
    trainer: PolicyTrainer


def models_in_training(
    config: RunConfig,
    tokenizer: Tokenizer,
    roles: ModelRoles,
    sampler: Sampler,
    *,
    run: Path,
    processes: Processes,
    is_helper: bool = False,
) -> InTraining:
    """Return the reward model and the policy's trainer, which several processes share.

    A helper asks no scorer: process 0 does, so that every question is asked and counted once.
    SettingsError if the settings do not fit each other, or the processes.
    """
    reward_model = RewardModel(
        roles,
        pad_id=tokenizer.pad_id,
        seed=config.seed,
        members=config.rewards.ensemble,
        processes=processes,
    )
    reward = (
        RewardModelSource(reward_model, sampler)
        if is_helper
        else build_reward_source(config, reward_model, sampler)
    )
    trainer = build_trainer(
        *(roles, reward, sampler, config.policy),
        seed=config.seed,
        run=run,
        processes=processes,
    )
    return InTraining(reward_model, trainer)
