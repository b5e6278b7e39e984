"""The composition of a run: models, prompts and stages put together from its settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypedDict

from prefloop.comparisons.selection.builder import ComparisonBuilder
from prefloop.errors import SettingsError
from prefloop.evaluation.judges.build import build_judge
from prefloop.figures.prompts import left_out_text
from prefloop.figures.record import to_json
from prefloop.files import write_if_changed
from prefloop.metrics import MetricsLog
from prefloop.models.classifier_shell import refuse_without_classifier
from prefloop.models.loading import (
    Tokenizer,
    context_length,
    load_causal,
    load_tokenizer,
    n_embedding_weights,
    n_layers,
    refuse_unknown_classes,
)
from prefloop.models.memory import fits_in_memory
from prefloop.models.named import NamedModels
from prefloop.models.processes import Processes
from prefloop.models.query_encoder import QueryEncoder
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import Runtime, product_rate
from prefloop.models.sources import n_weights, resolve
from prefloop.policy.methods.build import build_method
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer
from prefloop.policy.warm_start import sft_examples, warm_start
from prefloop.progress import Progress, StopCheck
from prefloop.prompts.loading import PromptSelection, select_prompts, training_texts
from prefloop.records import Prompt
from prefloop.rewards.stage import RewardStage
from prefloop.run.canaries import RunCanaries
from prefloop.run.contestants import Contestants
from prefloop.run.helping import set_helpers_up
from prefloop.run.in_training import models_in_training
from prefloop.run.initial_models import initial_models, n_parts, refuse_sharded, runtime_of
from prefloop.run.kept_contents import followed_scorers, installed_code, keep_contents, keep_sharing
from prefloop.run.kept_settings import has_begun
from prefloop.run.live import LiveWatch
from prefloop.run.monitor import RunMonitor
from prefloop.run.plan import (
    BaseSize,
    Plan,
    count_by_split,
    make_plan,
    plan_lines,
    refuse_impossible,
)
from prefloop.run.rounds import Rounds
from prefloop.run.schedule import last_update
from prefloop.run.stages import Stages
from prefloop.run.trackers import Trackers
from prefloop.run.versions import PolicyUpdates
from prefloop.run.waiting import PeopleLabeling
from prefloop.run.watching import watch_policy
from prefloop.run_folder import PROMPTS
from prefloop.samples.draw import SampleDrawer
from prefloop.samples.sampler import Sampler
from prefloop.scorers.english import english_warnings
from prefloop.settings.run import RunConfig


class _Loaded(NamedTuple):
    """What a run reads before its stages are put together."""

    tokenizer: Tokenizer
    prompts: dict[str, Prompt]
    roles: ModelRoles
    sampler: Sampler


class _AtWork(TypedDict):
    """What every stage that takes time is given."""

    progress: Progress
    check_stop: StopCheck


def assemble(
    config: RunConfig,
    folder: Path,
    monitor: RunMonitor,
    *,
    until: str | None = None,
    processes: Processes | None = None,
) -> Stages:
    """Load model and prompts, store the prompts, and put the stages together.

    Several `processes` load the models as well, and share what their stages do.
    """
    config, loaded = _load_here(config, folder, monitor, processes := processes or Processes())
    tokenizer, prompts, roles, sampler = loaded
    rewards, policy = _training_stages(config, loaded, folder, monitor, processes)
    _store_new(prompts, monitor)
    canaries = RunCanaries(config, folder, monitor, policy, rewards)
    policy.watch = watch_policy(config, monitor, after_update=canaries.after_update)
    updates = PolicyUpdates(policy, config.updates)
    models = NamedModels(roles, tokenizer, updates, run=folder, say=monitor.say)
    drawer = _drawer(config, sampler, models, monitor)
    drawer.chooser = policy.trainer.chooser
    people = PeopleLabeling(config.task, monitor)
    live = LiveWatch(config, monitor, people, policy, drawer, prompts)
    policy.before_update = live.attend
    return Stages(
        config=config,
        folder=folder,
        monitor=monitor,
        metrics=policy.metrics,
        prompts=prompts,
        drawer=drawer,
        builder=_comparison_builder(config, drawer, prompts, monitor),
        people=people,
        rewards=rewards,
        policy=policy,
        canaries=canaries,
        live=live,
        rounds=_rounds(config, models, updates, prompts, folder, until),
    )


def _training_stages(
    config: RunConfig, loaded: _Loaded, folder: Path, monitor: RunMonitor, processes: Processes
) -> tuple[RewardStage, PolicyStage]:
    """Return the stages that train; all processes have loaded their models by then."""
    tokenizer, _, roles, sampler = loaded
    trained = models_in_training(config, tokenizer, roles, sampler, run=folder, processes=processes)
    set_helpers_up(processes, config, folder, roles)
    at_work: _AtWork = {"progress": monitor, "check_stop": monitor.check_stop}
    model, store = trained.reward_model, monitor.store
    rewards = RewardStage(model, sampler, config, store, run=folder, **at_work)
    metrics = _metrics_log(config, folder, monitor)
    return rewards, _policy_stage(config, trained.trainer, metrics, folder, at_work)


def _metrics_log(config: RunConfig, folder: Path, monitor: RunMonitor) -> MetricsLog:
    """Return the log of metrics, which hands each line to all who wait for it."""
    trackers = Trackers(config, folder, monitor.say)
    monitor.call_at_end(trackers.finish)
    return MetricsLog(folder / "metrics.jsonl", monitor.outbox, monitor.update_calls, trackers)


def _policy_stage(
    config: RunConfig, trainer: PolicyTrainer, metrics: MetricsLog, folder: Path, at_work: _AtWork
) -> PolicyStage:
    if trainer.labeled is not None and config.rewards.hold_out:
        raise SettingsError(
            f"rewards.hold_out {config.rewards.hold_out} is taken out of a reward model's scores, "
            f"and policy.method {config.policy.method} learns from the labels themselves. Take it "
            "out, or choose another method."
        )
    ends = {last_update(config, r) for r in range(-1, config.rounds)}
    named = [*config.evaluation.models, config.evaluation.baseline]
    settings = config.model_dump()
    return PolicyStage(
        trainer, metrics, run=folder, kept=ends, named=named, settings=settings, **at_work
    )


def _comparison_builder(
    config: RunConfig, drawer: SampleDrawer, prompts: Mapping[str, Prompt], monitor: RunMonitor
) -> ComparisonBuilder:
    return ComparisonBuilder(
        drawer,
        monitor.store,
        prompts,
        per_prompt=config.samples.per_prompt,
        label_type=config.comparisons.named_type,
        say=monitor.say,
    )


def _drawer(
    config: RunConfig, sampler: Sampler, models: NamedModels, monitor: RunMonitor
) -> SampleDrawer:
    at_work: _AtWork = {"progress": monitor, "check_stop": monitor.check_stop}
    making, store = monitor.before_making, monitor.store
    return SampleDrawer(sampler, models, store, seed=config.seed, before_making=making, **at_work)


def _store_new(prompts: Mapping[str, Prompt], monitor: RunMonitor) -> None:
    if prompts.keys() - {prompt.id for prompt in monitor.store.prompts()}:
        monitor.before_making()
        monitor.store.add_prompts(list(prompts.values()))


def plan_run(
    config: RunConfig, say: Callable[[str], None], processes: Processes | None = None
) -> Plan:
    """Return what a run is going to do, from its tokenizer and prompts; nothing is drawn.

    InputError if the prompts do not suffice for it.
    """
    base = resolve(config.models.name, say=say, for_chat=config.task.chat.on)
    by_split = count_by_split(read_prompts(config, base)[1].prompts)
    refuse_impossible(config, by_split)
    size = base_size(base, runtime_of(config))
    return make_plan(config, by_split, base=size, parts=n_parts(processes))


def read_prompts(
    config: RunConfig, base: Path, stored: Sequence[Prompt] = ()
) -> tuple[Tokenizer, PromptSelection]:
    """Return the tokenizer of the model in `base`, and the prompts; no weights are loaded."""
    tokenizer = load_tokenizer(base, beginning_of_text=config.models.beginning_of_text)
    return tokenizer, select_prompts(
        config.prompts,
        config.task,
        tokenizer,
        context=context_length(base),
        around=QueryEncoder(tokenizer, config.task).n_around,
        stored=stored,
    )


def base_size(base: Path, runtime: Runtime) -> BaseSize:
    """Return the size of the model in `base`, and how fast this machine multiplies."""
    return BaseSize(
        weights=n_weights(base),
        looked_up=n_embedding_weights(base),
        layers=n_layers(base),
        rate=product_rate(runtime),
    )


def _rounds(
    config: RunConfig,
    models: NamedModels,
    updates: PolicyUpdates,
    prompts: Mapping[str, Prompt],
    folder: Path,
    until: str | None,
) -> Rounds:
    held_out = [prompt for prompt in prompts.values() if prompt.split == "held_out"]
    contestants = Contestants(
        config=config.evaluation,
        models=models,
        updates=updates,
        folder=folder,
        last_round=config.rounds - 1,
        n_held_out=len(held_out),
        n_human_answers=sum(prompt.reference is not None for prompt in held_out),
        last_update=lambda round_number: last_update(config, round_number),
        fingerprint_of_judge=cache(lambda name: build_judge(name, config).fingerprint),
    )
    return Rounds(
        config=config, folder=folder, updates=updates, contestants=contestants, until=until
    )


def _load_here(
    config: RunConfig, folder: Path, monitor: RunMonitor, processes: Processes
) -> tuple[RunConfig, _Loaded]:
    """Return the settings as they apply here, and what a run reads.

    They name the device and the type that `auto` stands for, and so do the records of how things
    were made.
    """
    refuse_sharded(config, folder, processes)
    runtime = runtime_of(config)
    models = config.models.model_copy(update=runtime.as_settings())
    config = config.model_copy(update={"models": models})
    with fits_in_memory("loading the models", models__name=models.name):
        return config, _load(config, folder, monitor, runtime, processes)


def _load(
    config: RunConfig, folder: Path, monitor: RunMonitor, runtime: Runtime, processes: Processes
) -> _Loaded:
    base = resolve(config.models.name, say=monitor.say, for_chat=config.task.chat.on)
    refuse_unknown_classes(base, trains_reward_model=config.policy.uses_reward_model)
    scorers = followed_scorers(config)
    is_resumed = has_begun(folder, monitor.store)
    keep_contents(
        config.models.name,
        base,
        scorers,
        folder,
        code=installed_code(config, scorers),
        has_begun=is_resumed,
        say=monitor.say,
    )
    tokenizer, selection = read_prompts(config, base, monitor.store.prompts())
    prompts = selection.prompts
    _tell_left_out(config, selection, folder, monitor)
    by_split = count_by_split(prompts)
    refuse_impossible(config, by_split)
    if not (folder / "metrics.jsonl").exists():
        size = base_size(base, runtime)
        plan = make_plan(config, by_split, base=size, parts=n_parts(processes))
        monitor.say("\n".join(plan_lines(plan, folder)))
    causal = load_causal(base, tokenizer, processes.loading(runtime))
    if config.policy.uses_reward_model:
        refuse_without_classifier(causal, base)
    if config.policy.warm_start.epochs:
        del causal  # the warm start trains a copy of its own
        initial = _warm_started(config, base, prompts, folder, monitor, runtime)
        causal = load_causal(initial, tokenizer, processes.loading(runtime))
    found = initial_models(config, tokenizer, causal, runtime, processes)
    several = config.policy.trains and build_method(config.policy).samples_per_prompt > 1
    if several or config.policy.uses_reward_model:
        shares = found.roles.policy.shares_queries
        keep_sharing(shares, folder, has_begun=is_resumed, say=monitor.say)
    return _Loaded(tokenizer, {p.id: p for p in prompts}, found.roles, found.sampler)


def _tell_left_out(
    config: RunConfig, selection: PromptSelection, folder: Path, progress: Progress
) -> None:
    """Say which passages give no prompt, and keep the numbers for the report."""
    write_if_changed(folder / PROMPTS, to_json(selection.figures))
    if message := left_out_text(selection.figures):
        progress.say(f"{message}.")
    for warning in english_warnings(config, [prompt.text for prompt in selection.prompts]):
        progress.say(warning)


def _warm_started(
    config: RunConfig,
    base: Path,
    prompts: list[Prompt],
    folder: Path,
    progress: RunMonitor,
    runtime: Runtime,
) -> Path:
    """Return the folder of the warm-started base, which policy and reference start as."""
    train = [p for p in prompts if p.split == "train"]
    tokenizer = load_tokenizer(base, beginning_of_text=config.models.beginning_of_text)
    texts = training_texts(config.prompts, config.task, tokenizer, stored=prompts)
    examples = sft_examples(train, config.task, tokenizer, texts)
    place = folder / "warm_start"
    if not place.exists():
        progress.before_making()
    return warm_start(
        base,
        config.policy.warm_start,
        config.models,
        examples,
        runtime=runtime,
        folder=place,
        seed=config.seed,
        progress=progress,
    )
