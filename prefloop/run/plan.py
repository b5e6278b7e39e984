"""What a run is going to do, before it does it: computed from settings and counts alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prefloop.errors import InputError, listing
from prefloop.figures.text import at_most, count, counted, duration, fixed, percent, plain
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.functional.model_cost import role_numbers
from prefloop.functional.statistics import detectable_share
from prefloop.policy.methods.build import build_method
from prefloop.records import Prompt, Split
from prefloop.run.plan_time import machine_seconds, workload_of
from prefloop.run.schedule import planned_labels
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.run import RunConfig
from prefloop.text.words import WORDS_PER_TOKEN

SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")

ENOUGH_TO_JUDGE = 100
"""Held-out prompts with which a win rate of about 64 % is seen in four runs of five."""

POWER = 0.8
"""How often a verdict is to find what is there (Cohen 1988's convention)."""

WORDS_A_MINUTE = 238
"""Silent reading of English (Brysbaert 2019, J. Memory and Language 109:104047)."""

BYTES_A_WEIGHT = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is going to do, in numbers."""

    prompts: Mapping[str, int]
    """Prompts by split."""
    rounds: int
    labels: Mapping[str, int]
    """Labels wanted in the whole run, by split; nothing where nobody labels."""
    questions: Mapping[str, int]
    """Questions for them, by split; a question is asked once, of one prompt."""
    updates: int
    episodes: int
    """Responses that the updates are made of."""
    passes: float
    """How often each training prompt is used."""
    prompts_an_update: int
    """Prompts that an update asks for."""
    best_of: int
    """Responses of which one is kept, where nothing is trained; 0 with every other method."""
    live_questions: int
    """Questions that people are asked about the policy while it trains."""
    reading_seconds: float | None
    """What people need to read everything once; None where programs label."""
    memory_bytes: int | None
    """The most for weights, gradients and Adam's moments, in each process; None where the model's
    size is not known."""
    parts: int
    """Processes that hold a part of every model each (FSDP); 1: models are whole."""
    machine_seconds: tuple[float, float] | None
    """Least and most that this machine will compute; None where its rate was not measured."""
    judged: int
    """Held-out prompts that the verdict rests on; 0 without a judge."""
    is_for_people: bool
    """Whether people give the verdict: then their number matters, which is not known here."""
    least_win_rate: float | None
    """Win rate from which the verdict says "better" in four runs of five; None: from none."""


def count_by_split(prompts: Iterable[Prompt]) -> dict[str, int]:
    """Return how many prompts each split has."""
    counts = Counter(prompt.split for prompt in prompts)
    return {split: counts[split] for split in SPLITS}


@dataclass(frozen=True, kw_only=True)
class BaseSize:
    """The size of the model that is tuned, and how fast this machine multiplies."""

    weights: int
    looked_up: int
    """Of these, the rows of tokens: they are looked up and not multiplied."""
    layers: int
    rate: float
    """Multiplications and additions a second in a large matrix product."""


def make_plan(
    config: RunConfig,
    prompts: Mapping[str, int],
    *,
    base: BaseSize | None = None,
    parts: int = 1,
) -> Plan:
    """Return the plan for prompts of these numbers by split, and a model of this size.

    `parts` are the processes among which every model is divided.
    """
    policy = config.policy
    n_judged = min(config.evaluation.prompts, prompts["held_out"])
    judged = n_judged if config.evaluation.judges else 0
    labels, questions = planned_labels(config)
    turns = config.rounds if policy.trains and policy.uses_reward_model else 1
    copies = role_numbers(adapter=config.models.adapter, rounds=turns) * BYTES_A_WEIGHT
    each = build_method(policy).samples_per_prompt
    used = policy.updates * policy.batch_size if policy.trains else 0
    return Plan(
        prompts=prompts,
        rounds=config.rounds,
        labels=labels,
        questions=questions,
        updates=config.updates,
        episodes=used,
        passes=used / each / max(1, prompts["train"]),
        prompts_an_update=max(1, policy.batch_size // each),
        best_of=0 if policy.trains else each,
        live_questions=config.audits.live.questions if config.asks_live else 0,
        reading_seconds=_reading_seconds(config, sum(labels.values())),
        memory_bytes=None if base is None else -(-base.weights * copies // parts),
        parts=parts,
        machine_seconds=None if base is None else _machine_seconds(config, base, judged),
        judged=judged,
        is_for_people=config.evaluation.judges[:1] == [PEOPLE],
        least_win_rate=detectable_share(judged, power=POWER),
    )


def plan_problems(config: RunConfig, prompts: Mapping[str, int]) -> list[str]:
    """Return why a run cannot be made with prompts of these numbers by split."""
    problems, source = [], config.prompts.source
    _, questions = planned_labels(config)
    if not prompts["train"]:
        problems.append(f"none of the prompts of {source} is left to train on")
    if config.evaluation.judges and not prompts["held_out"]:
        problems.append(
            f"none of the prompts of {source} is held out for the judge: raise "
            f"prompts.held_out_share (now {plain(config.prompts.held_out_share)}), add prompts, or "
            "set evaluation.judges: []"
        )
    if questions.get("validation") and not prompts["validation"]:
        problems.append(
            f"none of the prompts of {source} is kept for the "
            f"{counted(config.comparisons.validation_labels, 'validation label')} of a round: "
            f"raise prompts.validation_share (now {plain(config.prompts.validation_share)}), add "
            "prompts, or set comparisons.validation_labels: 0"
        )
    return problems


def refuse_impossible(config: RunConfig, prompts: Mapping[str, int]) -> None:
    """Raise an InputError that names all reasons why the run cannot be made, if there is one."""
    if problems := plan_problems(config, prompts):
        raise InputError(listing("the run", problems))


def plan_lines(plan: Plan, folder: Path | str) -> list[str]:
    """Return the plan in sentences; a line that begins with "Note" says what is likely too little.

    `folder` is the run folder, as the advice names it.
    """
    n = plan.prompts
    total = sum(n.values())
    lines = [
        f"Plan: {counted(total, 'prompt')}: {count(n['train'])} to train on, "
        f"{count(n['validation'])} for validation, {count(n['held_out'])} held out.",
        *_label_lines(plan),
        _policy_line(plan),
    ]
    if plan.prompts_an_update > n["train"]:
        lines.append(
            f"Note: an update asks for {counted(plan.prompts_an_update, 'prompt')}, and there are "
            f"{count(n['train'])} to train on: they stand in it more than once. Add prompts, or "
            "lower policy.batch_size."
        )
    if plan.memory_bytes is not None:
        where = "" if plan.parts == 1 else f" in each of {plan.parts} processes"
        lines.append(
            f"Weights, gradients and Adam's moments need about "
            f"{fixed(max(0.1, plan.memory_bytes / 1e9), 1)} GB of memory{where}; activations come "
            "on top."
        )
    if plan.machine_seconds is not None:
        least, most = map(duration, plan.machine_seconds)
        lines.append(
            f"This machine computes for between {least} and {most}"
            f"{'' if plan.reading_seconds is None else ', besides waiting for people'}."
        )
    return [*lines, *_verdict_lines(plan), f"Settings are in {Path(folder) / 'run.yaml'}."]


def _policy_line(plan: Plan) -> str:
    if plan.best_of:
        bound = at_most(best_of_n_kl(plan.best_of))
        return (
            f"The policy is not trained: each of its responses is the best of {plan.best_of} of "
            f"the untuned model by the round's reward, and its KL {bound} nats. policy.episodes, "
            "lr, epochs and kl have no part in it."
        )
    return (
        f"The policy makes {counted(plan.updates, 'update')} of together "
        f"{counted(plan.episodes, 'episode')} in {counted(plan.rounds, 'round')}: each training "
        f"prompt is used {fixed(plan.passes, 1)} times."
    )


def _machine_seconds(config: RunConfig, base: BaseSize, judged: int) -> tuple[float, float]:
    work = workload_of(config, layers=base.layers, judged=judged)
    return machine_seconds(work, weights=base.weights - base.looked_up, rate=base.rate)


def _reading_seconds(config: RunConfig, n_labels: int) -> float | None:
    if config.comparisons.labelers != PEOPLE or not n_labels:
        return None
    task = config.task
    tokens = task.query_tokens_max + config.samples.per_prompt * task.response_tokens
    return n_labels * tokens * WORDS_PER_TOKEN / WORDS_A_MINUTE * 60


def _label_lines(plan: Plan) -> list[str]:
    if not plan.labels:
        return ["Nobody is asked for labels."]
    text = (
        f"{counted(plan.labels['train'], 'label')} are wanted to train the reward model and "
        f"{count(plan.labels['validation'])} to measure it"
    )
    if plan.reading_seconds is not None:
        text += f", about {duration(plan.reading_seconds)} of people's reading"
    lines = [text + "."]
    if plan.live_questions:
        lines.append(
            f"While the policy trains, people are asked {counted(plan.live_questions, 'time')} at "
            "most which is better, its text or the reference's; it waits where nobody answers for "
            "long (audits.live)."
        )
    for split, wanted in plan.questions.items():
        there = plan.prompts[split]
        if wanted > there:
            lines.append(
                f"Note: {counted(wanted, f'{split} question')} are wanted, each on a prompt of its "
                f"own, and there are {counted(there, 'prompt')} for them: there will be fewer "
                "labels. Add prompts."
            )
    return lines


def _verdict_lines(plan: Plan) -> list[str]:
    if not plan.judged:
        return ["No judge is asked: there will be no verdict."]
    if plan.is_for_people:
        return [
            f"People give the verdict: at most {counted(plan.judged, 'question')} for each model. "
            "What that shows depends on how many people answer: see `prefloop evaluation power`."
        ]
    n = counted(plan.judged, "held-out prompt")
    if plan.least_win_rate is None:
        return [
            f"Note: the verdict rests on {n}: too few to say anything, even if all are won. A "
            f"verdict needs about {ENOUGH_TO_JUDGE}."
        ]
    can = (
        f'the verdict rests on {n}: it says "better" in four runs of five if the policy truly '
        f"wins {percent(plan.least_win_rate)} of the time"
    )
    if plan.judged < ENOUGH_TO_JUDGE:
        return [
            f"Note: {can}, and seldom if it wins less. A verdict needs about {ENOUGH_TO_JUDGE}."
        ]
    return [f"{can[0].upper()}{can[1:]}."]
