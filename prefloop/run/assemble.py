"""The composition of a run: models, prompts and stages put together from its settings."""

from pathlib import Path
from typing import TypedDict

from prefloop.comparisons.selection.builder import ComparisonBuilder
from prefloop.metrics import MetricsLog
from prefloop.models.loading import Tokenizer, context_length, load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import Runtime, start_runtime
from prefloop.models.sources import resolve
from prefloop.policy.reward_source import build_reward_source
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer, build_trainer
from prefloop.policy.warm_start import sft_examples, warm_start
from prefloop.progress import Progress, StopCheck
from prefloop.prompts.loading import load_prompts, training_texts
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.run.monitor import RunMonitor
from prefloop.run.rounds import Rounds, last_update
from prefloop.run.stages import Stages
from prefloop.run.waiting import PeopleLabeling
from prefloop.samples.draw import SampleDrawer
from prefloop.samples.sampler import Sampler
from prefloop.settings.run import RunConfig


def assemble(
    config: RunConfig, folder: Path, monitor: RunMonitor, *, until: str | None = None
) -> Stages:
    """Load model and prompts, store the prompts, and put the stages together."""
    runtime = start_runtime(config.models)
    store, seed, per_prompt = monitor.store, config.seed, config.samples.per_prompt
    base = resolve(config.models.name, say=monitor.say)
    tokenizer = load_tokenizer(base)
    prompts = load_prompts(config.prompts, config.task, tokenizer, context=context_length(base))
    store.add_prompts(prompts)
    by_id = {p.id: p for p in prompts}
    initial = _initial_model(config, base, prompts, folder, monitor, runtime)
    causal = load_causal(initial, tokenizer, runtime)
    roles = ModelRoles(causal, config.models, seed=seed)
    sampler = _sampler(config, tokenizer, roles)
    reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=seed)
    metrics = MetricsLog(folder / "metrics.jsonl", monitor.outbox)
    at_work: _AtWork = {"progress": monitor, "check_stop": monitor.check_stop}
    rewards = RewardStage(
        reward_model, sampler, config.rewards, store, seed=seed, run=folder, **at_work
    )
    reward = build_reward_source(config, reward_model, sampler)
    trainer = build_trainer(roles, reward, sampler, config.policy, seed=seed)
    policy = _policy_stage(config, trainer, metrics, folder, at_work)
    drawer = SampleDrawer(sampler, roles, store, seed=seed, **at_work)
    return Stages(
        config=config,
        folder=folder,
        monitor=monitor,
        metrics=metrics,
        prompts=by_id,
        drawer=drawer,
        builder=ComparisonBuilder(drawer, store, by_id, per_prompt=per_prompt, say=monitor.say),
        people=PeopleLabeling(config.task, monitor),
        rewards=rewards,
        policy=policy,
        rounds=Rounds(config=config, folder=folder, policy=policy, until=until),
    )


class _AtWork(TypedDict):
    """What every stage that takes time is given."""

    progress: Progress
    check_stop: StopCheck


def _sampler(config: RunConfig, tokenizer: Tokenizer, roles: ModelRoles) -> Sampler:
    model = roles.reference
    vocabulary, device = model.vocabulary, model.runtime.device
    return Sampler(tokenizer, config.task, config.samples, vocabulary=vocabulary, device=device)


def _policy_stage(
    config: RunConfig, trainer: PolicyTrainer, metrics: MetricsLog, folder: Path, at_work: _AtWork
) -> PolicyStage:
    """Return the policy stage; checkpoints at the ends of rounds stay, to be rolled back to."""
    ends = {last_update(config, r) for r in range(-1, config.rounds)}
    return PolicyStage(trainer, metrics, run=folder, kept=ends, **at_work)


def _initial_model(
    config: RunConfig,
    base: Path,
    prompts: list[Prompt],
    folder: Path,
    progress: Progress,
    runtime: Runtime,
) -> Path:
    """Return the model that policy and reference start as: the base, or the warm-started base."""
    settings = config.policy.warm_start
    if settings.epochs == 0:
        return base
    train = [p for p in prompts if p.split == "train"]
    examples = sft_examples(train, config.task, base, training_texts(config.prompts))
    place = folder / "warm_start"
    return warm_start(
        base,
        settings,
        config.models,
        examples,
        runtime=runtime,
        folder=place,
        seed=config.seed,
        progress=progress,
    )
