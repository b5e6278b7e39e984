"""The trainer of a run's method, put together."""

from pathlib import Path

from prefloop.models.heads import ValueHead
from prefloop.models.roles import ModelRoles
from prefloop.policy.best_of_n import BestOfNTrainer
from prefloop.policy.methods.build import build_method
from prefloop.policy.optimize import PolicyOptimizer
from prefloop.policy.reward_source import RewardSource
from prefloop.policy.rollout import RolloutCollector
from prefloop.policy.trainer import PolicyTrainer
from prefloop.samples.sampler import Sampler
from prefloop.settings.policy import PolicyConfig


def build_trainer(
    roles: ModelRoles,
    reward: RewardSource,
    sampler: Sampler,
    config: PolicyConfig,
    *,
    seed: int,
    run: Path = Path(),
) -> PolicyTrainer:
    """Return the trainer of `policy.method`; it makes the value head if the method uses values.

    `run` is the run folder, in which best of n finds the reward models that it chooses by.
    """
    method = build_method(config)
    value_head = ValueHead(roles.policy.width, roles.policy.runtime) if method.uses_values else None
    collector = RolloutCollector(
        roles=roles,
        sampler=sampler,
        reward=reward,
        value_head=value_head,
        samples_per_prompt=method.samples_per_prompt,
        forward_batch=2 * config.microbatch_size,
    )
    optimizer = PolicyOptimizer(method, roles.policy, value_head, sampler, config)
    if not config.trains:
        return BestOfNTrainer(method, collector, optimizer, config, seed=seed, run=run)
    return PolicyTrainer(method, collector, optimizer, config, seed=seed)
