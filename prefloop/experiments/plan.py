"""How long an experiment takes, before anything of it runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from prefloop.experiments.carry_out import is_drawn, is_finished
from prefloop.experiments.members import Experiment, SampleSet
from prefloop.figures.record import RECORD
from prefloop.figures.text import counted, duration, fixed
from prefloop.functional.model_cost import TRAINED
from prefloop.models.runtime import start_runtime
from prefloop.models.sources import resolve
from prefloop.run.assemble import base_size, read_prompts
from prefloop.run.plan import BaseSize, count_by_split, refuse_impossible
from prefloop.run.plan_time import (
    StageTokens,
    Workload,
    machine_seconds,
    text_tokens,
    workload_of,
)
from prefloop.settings.run import RunConfig

GIGABYTE = 1e9

COPIES_KEPT = 3
"""Copies of the model that a run leaves on the disk: reward model, policy, and checkpoints."""


class ExperimentPlan(BaseModel):
    """What is left to do, and how long this machine will compute for it."""

    model_config = RECORD

    sample_sets: int
    """Sets of samples that are not drawn yet."""
    runs: int
    """Runs that are not finished."""
    least_seconds: float
    """By the count of operations; see `prefloop/run/plan_time.py`."""
    most_seconds: float
    disk_bytes: int
    """What the unfinished runs will leave on the disk, at most."""


def experiment_plan(experiment: Experiment, say: Callable[[str], None]) -> ExperimentPlan:
    """Return the plan of what is not there yet; nothing is drawn.

    InputError if the prompts do not suffice.
    """
    sizes = dict[str, tuple[BaseSize, int, int]]()
    least = most = 0.0
    undrawn = [s for s in experiment.sample_sets if not is_drawn(s)]
    unfinished = [m for m in experiment.members if not is_finished(m)]
    for samples in undrawn:
        size, train, judged = _size(samples.config, sizes, say)
        work = _shared_work(samples, size, train, judged)
        a, b = machine_seconds(work, weights=size.weights - size.looked_up, rate=size.rate)
        least, most = least + a, most + b
    weights = 0
    for member in unfinished:
        size, _, judged = _size(member.config, sizes, say)
        whole = workload_of(member.config, layers=size.layers, judged=judged)
        shared = _shared_work(member.samples, size, 0, judged)
        own = replace(whole, samples=StageTokens(), evaluation=whole.evaluation - shared.evaluation)
        a, b = machine_seconds(own, weights=size.weights - size.looked_up, rate=size.rate)
        least, most = least + a, most + b
        weights += size.weights
    return ExperimentPlan(
        sample_sets=len(undrawn),
        runs=len(unfinished),
        least_seconds=least,
        most_seconds=most,
        disk_bytes=weights * 4 * COPIES_KEPT,
    )


def plan_text(plan: ExperimentPlan, experiment: Experiment) -> list[str]:
    """Return the plan in sentences."""
    settings = experiment.settings
    starts = [
        f"{settings.starts[s].title}: {', '.join(arms)}" for s, arms in settings.members.items()
    ]
    return [
        f"{counted(len(experiment.members), 'run')}: {'; '.join(starts)}; "
        f"{'seed' if len(settings.seeds) == 1 else 'seeds'} {', '.join(map(str, settings.seeds))}.",
        f"Samples are drawn once for each start and seed and labeled by every arm: "
        f"{counted(plan.sample_sets, 'set')} to draw, {counted(plan.runs, 'run')} to make.",
        f"This machine computes for between {duration(plan.least_seconds)} and "
        f"{duration(plan.most_seconds)} in all, by the count of operations.",
        f"The runs leave at most {fixed(plan.disk_bytes / GIGABYTE, 1)} GB on the disk.",
        f"Everything lies in {experiment.folder}; ^C stops, and the same command goes on.",
    ]


def _size(
    config: RunConfig, known: dict[str, tuple[BaseSize, int, int]], say: Callable[[str], None]
) -> tuple[BaseSize, int, int]:
    """Return the size of a run's model, its training prompts, and those that are judged."""
    key = config.model_dump_json(include={"models", "prompts", "task"})
    if key not in known:
        base: Path = resolve(config.models.name, say=say, for_chat=config.task.chat.on)
        by_split = count_by_split(read_prompts(config, base)[1].prompts)
        refuse_impossible(config, by_split)
        size = base_size(base, start_runtime(config.models))
        judged = min(config.evaluation.prompts, by_split["held_out"])
        known[key] = size, by_split["train"], judged
    return known[key]


def _shared_work(samples: SampleSet, size: BaseSize, train: int, judged: int) -> Workload:
    """Return what is drawn and trained once for a start and seed: samples, and the warm start."""
    config = samples.config
    whole = workload_of(config, layers=size.layers, judged=judged)
    evaluation = config.evaluation
    text = sum(text_tokens(config))
    many = evaluation.frontier_prompts * evaluation.frontier_samples
    warm = train * text * config.policy.warm_start.epochs * TRAINED[config.models.adapter]
    return Workload(
        samples=whole.samples,
        policy=StageTokens(trained=warm),
        evaluation=StageTokens(drawn=text * (judged + many), read=text * (judged + many)),
    )
