"""The report's first page: what it learned that nobody asked for, what it cost, what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.audits.overoptimization_rules import CHECK
from prefloop.audits.side_effects import SideEffects, side_effect_sentence, side_effects
from prefloop.doctor.canaries import is_canary
from prefloop.doctor.measured import check_measured
from prefloop.doctor.watch import is_watched
from prefloop.doctor.worst import warns_before, worst
from prefloop.figures.check_result import CheckResult
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.sentence import BASE
from prefloop.figures.text import model_title
from prefloop.records import Prompt, Sample
from prefloop.report.computing import ComputingTime, computing_time
from prefloop.report.rows import Rows, rows_behind
from prefloop.run_folder import POLICY, RunFigures
from prefloop.seeding import numpy_stream
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

SHOWN = 3
"""Answers that stand below the sentence on what the policy learned."""

PLACES = {
    "comparisons": "audit",
    "rewards": "reward-audit",
    "policy": "watch",
    "evaluation": "better",
}
"""The section of the page that shows what the doctor found, by stage."""


def place_of(step: CheckResult) -> str:
    """Return the section of the page that shows a finding: canaries of any stage stand together,
    so does over-optimization, beside the frontier, and what the metrics say is in the curves."""
    if is_canary(step):
        return "canaries"
    if step.stage == "policy" and step.check != CHECK and not is_watched(step):
        return "training"
    return "overoptimization" if step.check == CHECK else PLACES.get(step.stage, "provenance")


@dataclass(frozen=True, kw_only=True)
class ShownAnswer:
    """An answer of the policy with its prompt."""

    prompt: Prompt
    sample: Sample


@dataclass(frozen=True, kw_only=True)
class FirstPage:
    """What stands at the top beside the verdict; None where the run has nothing to show."""

    updates_since: int
    """Updates that were made after the policy which the verdict is on."""
    learned: str
    """What stands out in the answers, in a sentence; empty without answers of both models."""
    amplified: str
    """Shortcuts that the reward model rewards beyond the labels, in a sentence; may be empty."""
    answers: tuple[ShownAnswer, ...]
    effects: SideEffects | None
    rows: Rows | None
    computing: ComputingTime | None
    next_step: CheckResult | None
    """What to act on first; None if nothing asks for anything."""
    next_place: str
    """The section where its numbers stand."""
    earlier: CheckResult | None
    """What warns in a stage that a bad next step rests on."""
    earlier_place: str


def first_page(store: Store, run: RunFigures, config: RunConfig, folder: Path) -> FirstPage:
    """Return the first page of a run, from the evaluation of its newest policy and the doctor."""
    figures = run.latest.figures if run.latest else None
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    effects = _effects(store, config, figures, prompts) if figures else None
    results = check_measured(config, run, folder)
    step = worst(results)
    earlier = warns_before(step, results) if step else None
    return FirstPage(
        updates_since=_updates_since(run),
        learned=_learned(effects, figures) if effects and figures else "",
        amplified=_amplified(run),
        answers=_answers(store, effects, prompts, config.seed) if effects else (),
        effects=effects,
        rows=rows_behind(store, figures, effects) if figures else None,
        computing=computing_time(store),
        next_step=step,
        next_place=place_of(step) if step else "",
        earlier=earlier,
        earlier_place=place_of(earlier) if earlier else "",
    )


def _updates_since(run: RunFigures) -> int:
    name = POLICY.fullmatch(run.latest.figures.model) if run.latest else None
    if name is None or name[1] != "update":
        return 0
    newest = max((line.update for line in run.metrics if line.stage == "policy"), default=0)
    return max(0, newest - int(name[2]))


def _effects(
    store: Store, config: RunConfig, figures: EvaluationFigures, prompts: dict[str, Prompt]
) -> SideEffects | None:
    sides = (figures.rows.model_samples, figures.rows.baseline_samples)
    model, baseline = (list(store.samples_by_id(ids).values()) for ids in sides)
    return side_effects(store, config, prompts, model, baseline)


def _learned(effects: SideEffects, figures: EvaluationFigures) -> str:
    if figures.baseline == BASE:
        return side_effect_sentence(effects)
    return side_effect_sentence(effects, f"of {model_title(figures.baseline)}")


def _amplified(run: RunFigures) -> str:
    """Return what the reward model surely rewards more than the labels do."""
    audit = run.reward_audit
    named = [s.title for s in audit.shortcuts if s.is_amplified] if audit else []
    if audit is None or not named:
        return ""
    return (
        f"The reward model rewards beyond the labels: {', '.join(named)} (by {audit.questions} "
        "questions that it did not learn from)."
    )


def _answers(
    store: Store, effects: SideEffects, prompts: dict[str, Prompt], seed: int
) -> tuple[ShownAnswer, ...]:
    """Return some answers that have what stands out, drawn by lot with the run's seed."""
    ids: Sequence[str] = effects.found.sample_ids if effects.found else ()
    order = numpy_stream(seed, "report", "side effect").permutation(len(ids))[:SHOWN]
    drawn = store.samples_by_id([ids[int(i)] for i in order])
    return tuple(
        ShownAnswer(prompt=prompts[sample.prompt_id], sample=sample) for sample in drawn.values()
    )
