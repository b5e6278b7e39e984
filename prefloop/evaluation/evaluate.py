"""One round's evaluation: from stored samples to figures that name the rows they came from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefloop.evaluation.copying import copying_figures
from prefloop.evaluation.fluency import fluency_figures
from prefloop.evaluation.frontier import frontier_figures
from prefloop.evaluation.judge import Judge
from prefloop.evaluation.kl import kl_figures
from prefloop.evaluation.rouge import rouge_figures
from prefloop.evaluation.sentence import verdict_sentence
from prefloop.evaluation.win_rate import head_to_head, win_rate_figures
from prefloop.files import write_atomically
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.scorers.build import WeightedScorer
from prefloop.settings.evaluation import EvaluationConfig
from prefloop.settings.task import TaskConfig
from prefloop.store.store import Store

Figures = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Material:
    """The stored rows that one evaluation looks at."""

    prompts: Mapping[str, Prompt]
    policy: Sequence[Sample]
    reference: Sequence[Sample]
    frontier: Sequence[Sample]


def evaluate_round(
    store: Store,
    *,
    config: EvaluationConfig,
    task: TaskConfig,
    round: int,
    policy_model: str,
    judge: Judge | None,
    scorer: WeightedScorer | None,
    folder: Path,
) -> Figures:
    """Return the figures of one round, after storing its verdicts.

    They also become `evaluation/round-<r>.json` in the run folder. `taste` is what the labelers are
    known to like (synthetic labelers); None if people labeled.
    What cannot be measured is absent from the figures, and `missing` says why.
    """
    material = _gather(store, round, policy_model)
    missing: dict[str, str] = {}
    figures: Figures = {
        "round": round,
        "policy": policy_model,
        "task": task.name,
        "win_rate": _win_rate(store, judge, material, missing),
        "kl": kl_figures(material.policy),
        "copying": copying_figures(material.prompts, material.policy, material.reference),
        "fluency": fluency_figures(material.policy, material.reference),
        "rouge": rouge_figures(material.prompts, material.policy, material.reference),
        "frontier": _frontier(config, material, scorer, missing),
        "rows": _rows(material),
    }
    _explain(figures, material, missing)
    figures["missing"] = missing
    figures["verdict"] = verdict_sentence(figures, task)
    path = folder / "evaluation" / f"round-{round}.json"
    write_atomically(path, json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False))
    return figures


def forget_evaluations(folder: Path, rounds: Iterable[int]) -> None:
    """Drop the figures of these rounds: their policies are to be made, and judged, again."""
    for number in rounds:
        (folder / "evaluation" / f"round-{number}.json").unlink(missing_ok=True)


def _gather(store: Store, round: int, policy_model: str) -> Material:
    policy = store.samples(purpose="evaluation", model=policy_model)
    asked = {sample.prompt_id for sample in policy}
    reference = store.samples(purpose="evaluation", model=REFERENCE)
    frontier = store.samples(purpose="frontier", model=REFERENCE)
    return Material(
        prompts={prompt.id: prompt for prompt in store.prompts()},
        policy=[sample for sample in policy if sample.round == round],
        reference=[sample for sample in reference if sample.prompt_id in asked],
        frontier=frontier,
    )


def _win_rate(
    store: Store,
    judge: Judge | None,
    material: Material,
    missing: dict[str, str],
) -> Figures | None:
    if judge is None:
        missing["win_rate"] = "no judge was asked (evaluation.judges is empty)"
        return None
    verdicts = head_to_head(judge, material.prompts, material.policy, material.reference)
    if not verdicts:
        missing["win_rate"] = "no held-out prompt has samples of both models"
        return None
    store.add_verdicts(verdicts)
    return win_rate_figures(verdicts)


def _frontier(
    config: EvaluationConfig,
    material: Material,
    scorer: WeightedScorer | None,
    missing: dict[str, str],
) -> Figures | None:
    if config.frontier_prompts == 0:
        missing["frontier"] = "the frontier was not asked for (evaluation.frontier_prompts is 0)"
        return None
    if scorer is None:
        missing["frontier"] = "the best reachable reward needs a known taste, and people labeled"
        return None
    figures = frontier_figures(scorer, material.prompts, material.frontier, material.policy)
    if figures is None:
        missing["frontier"] = "no prompt has several reference samples drawn for the frontier"
    return figures


def _explain(figures: Figures, material: Material, missing: dict[str, str]) -> None:
    """Say why a part is absent, for those that depend on samples and prompts alone."""
    if not material.policy:
        missing["kl"] = "the policy has no evaluation samples in this round"
    if figures["rouge"] is None:
        missing["rouge"] = "the prompts have no human answers"


def _rows(material: Material) -> dict[str, list[str]]:
    """Return the ids of the rows behind the figures."""
    return {
        "policy_samples": [sample.id for sample in material.policy],
        "reference_samples": [sample.id for sample in material.reference],
        "frontier_samples": [sample.id for sample in material.frontier],
    }
