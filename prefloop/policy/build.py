"""The trainer of a run's method, put together."""

from pathlib import Path

from prefloop.errors import SettingsError
from prefloop.models.heads import ValueHead
from prefloop.models.processes import Processes
from prefloop.models.roles import ModelRoles
from prefloop.policy.best_of_n import BestOfNTrainer
from prefloop.policy.methods.build import build_method
from prefloop.policy.methods.method import Method
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
    processes: Processes | None = None,
) -> PolicyTrainer:
    """Return the trainer of `policy.method`; it makes the value head if the method uses values.

    `run` is the run folder, in which best of n finds the reward models that it chooses by.
    SettingsError if several `processes` cannot share what the method does.
    """
    method, processes = build_method(config), processes or Processes()
    refuse_too_many(processes, method, config)
    value_head = ValueHead(roles.policy.width, roles.policy.runtime) if method.uses_values else None
    collector = RolloutCollector(
        roles=roles,
        sampler=sampler,
        reward=reward,
        value_head=value_head,
        samples_per_prompt=method.samples_per_prompt,
        microbatch_size=config.microbatch_size,
        processes=processes,
    )
    optimizer = PolicyOptimizer(
        method, roles.policy, value_head, sampler, config, processes=processes
    )
    if not config.trains:
        return BestOfNTrainer(method, collector, optimizer, config, seed=seed, run=run)
    return PolicyTrainer(method, collector, optimizer, config, seed=seed)


def refuse_too_many(processes: Processes, method: Method, config: PolicyConfig) -> None:
    """Raise a SettingsError if there are more processes than prompts in a minibatch, if there is
    nothing to share, or if the method's loss rests on what one process alone knows."""
    if processes.size == 1:
        return
    if not config.trains:
        raise SettingsError(
            f"{processes.size} processes were started, and policy.method {config.method} trains no "
            "policy that they could share. Start one process, or choose another method."
        )
    if method.state():
        raise SettingsError(
            f"{processes.size} processes were started, and policy.method {config.method} remembers "
            "something between updates (its `state()`), which process 0 alone would know. Start "
            "one process."
        )
    n_prompts = config.minibatch_size // method.samples_per_prompt
    if processes.size > n_prompts:
        raise SettingsError(
            f"{processes.size} processes were started, and a minibatch has {n_prompts} prompts to "
            f"share (policy.batch_size {config.batch_size} / policy.minibatches "
            f"{config.minibatches} / {method.samples_per_prompt} responses to a prompt). Start at "
            f"most {n_prompts} processes, or set a larger policy.batch_size or fewer "
            "policy.minibatches."
        )
