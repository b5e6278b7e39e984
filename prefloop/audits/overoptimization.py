"""How far a policy may go: the reward that it is trained towards beside scores that nobody follows.

Policies at growing KL and best of n by the reward, each above the reference on the same prompts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.best_of import unseen_groups
from prefloop.audits.overoptimization_rules import Curve, answered, curve_findings
from prefloop.choices import is_scorer
from prefloop.evaluation.estimates import pair_by_prompt
from prefloop.figures.overoptimization import (
    OverOptimizationCurveFigures,
    OverOptimizationFigures,
)
from prefloop.figures.record import to_json
from prefloop.figures.text import count
from prefloop.files import verify_folder, write_if_changed
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.functional.frontier import best_of_n_by
from prefloop.models.named import NamedModels
from prefloop.policy.lineage import parse_name
from prefloop.progress import Progress
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.rewards.own_texts import scorer_of
from prefloop.rewards.scorer import RewardModelScorer
from prefloop.run_folder import overoptimization_path, read_trusts
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.english import english_problem
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

MOST_SAMPLES = 32
"""Reference samples of a prompt that are scored: best of 2 to 32 are five points."""


@dataclass(frozen=True, kw_only=True)
class _Material:
    """The rows that every curve is made of."""

    store: Store
    config: RunConfig
    prompts: Mapping[str, Prompt]
    proxy: CheckedScorer
    drawn: frozenset[str]
    """Names of policies with samples, fit for a curve or not."""
    policies: Mapping[str, Sequence[tuple[Sample, Sample]]]
    """By name: a policy's samples beside the reference's to the same prompts."""
    groups: Sequence[Sequence[Sample]]
    """Reference samples of prompts that nothing trained on, as many of each."""
    progress: Progress

    def score(self, scorer: CheckedScorer, samples: Sequence[Sample]) -> NDArray[np.float64]:
        return score_samples(self.store, scorer, self.prompts, samples, self.progress)


def audit_overoptimization(
    store: Store, config: RunConfig, folder: Path, progress: Progress, *, with_people: bool = False
) -> OverOptimizationFigures:
    """Return the curves of a run's kept policies and of best of n; nothing is drawn for them.

    People are asked nothing: with `with_people` the verdicts that they gave are read.
    """
    material = _gather(store, config, folder, progress)
    judges, left_out = _held_out(config, material)
    curves: list[OverOptimizationCurveFigures] = []
    for judge in judges:
        progress.say(f"Audit of over-optimization: {judge.name}")
        of_policies = [_of_policies(material, judge)] if config.policy.trains else []
        for curve in (*of_policies, _of_best_of_n(material, judge)):
            curves.append(answered(curve, seed=config.seed))
    if with_people and config.policy.trains:
        curves.append(answered(_of_people(material), seed=config.seed))
    trusts = read_trusts(folder) if config.policy.uses_reward_model else ()
    return OverOptimizationFigures(
        proxy=material.proxy.name,
        reward_model=trusts[-1].fingerprint if trusts else None,
        policies=tuple(sorted(material.drawn)),
        curves=tuple(curves),
        left_out=left_out | _damaged(folder, material.drawn),
        notes=_notes(len(trusts), trains=config.policy.trains),
        findings=curve_findings(curves, left_out),
    )


def audit_without_drawing(
    store: Store, config: RunConfig, folder: Path, progress: Progress, *, with_people: bool
) -> OverOptimizationFigures:
    """Return the same, with a note on kept policies that are on no curve for want of answers."""
    figures = audit_overoptimization(store, config, folder, progress, with_people=with_people)
    whole = {name for name, problems in _kept(folder).items() if not problems}
    if not (missing := len(whole - set(figures.policies))):
        return figures
    have = "policy of the run folder has" if missing == 1 else "policies of the run folder have"
    note = f"{count(missing)} {have} no answers yet: without --no-draw they are drawn."
    return figures.model_copy(update={"notes": (*figures.notes, note)})


def write_overoptimization(folder: Path, figures: OverOptimizationFigures) -> None:
    """Keep the figures for report and doctor."""
    path = overoptimization_path(folder)
    path.parent.mkdir(exist_ok=True)
    write_if_changed(path, to_json(figures))


def _kept(folder: Path) -> dict[str, list[str]]:
    """Return the names of the policies in a run folder, each with what is wrong with its weights.

    A copy that somebody put beside them, such as update-4-old, is no policy of the run.
    """
    paths = sorted((folder / "policy").glob("update-*"))
    named = {f"policy/{path.name}": path for path in paths}
    return {n: verify_folder(path, hashes=False) for n, path in named.items() if parse_name(n)}


def _damaged(folder: Path, drawn: Collection[str]) -> dict[str, str]:
    """Return why policies are on no curve whose weights are damaged, and that have no answers."""
    return {
        name: f"its weights are damaged ({problems[0]}), so it can answer nothing"
        for name, problems in _kept(folder).items()
        if problems and name not in drawn
    }


def _gather(store: Store, config: RunConfig, folder: Path, progress: Progress) -> _Material:
    proxy = scorer_of(config, folder, None)
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    fits = _reads(proxy, prompts)
    samples: dict[str, list[Sample]] = {}
    evaluated = store.samples(purpose="evaluation")
    for sample in evaluated:
        if fits(sample):
            samples.setdefault(sample.model, []).append(sample)
    reference = samples.get(REFERENCE, [])
    policies = {
        name: pair_by_prompt(own, reference)
        for name, own in samples.items()
        if NamedModels.is_policy(name)
    }
    groups = unseen_groups(store, prompts, most=MOST_SAMPLES)
    return _Material(
        store=store,
        config=config,
        prompts=prompts,
        proxy=proxy,
        drawn=frozenset(s.model for s in evaluated if NamedModels.is_policy(s.model)),
        policies={name: pairs for name, pairs in policies.items() if pairs},
        groups=[group for group in groups if all(map(fits, group))],
        progress=progress,
    )


def _reads(proxy: CheckedScorer, prompts: Mapping[str, Prompt]) -> Callable[[Sample], bool]:
    """Return whether a sample is short enough for the reward."""
    model = proxy.scorer
    if isinstance(model, RewardModelScorer):
        return lambda sample: model.fits(prompts[sample.prompt_id].text, sample.text)
    return lambda sample: True


def _held_out(config: RunConfig, material: _Material) -> tuple[list[CheckedScorer], dict[str, str]]:
    """Return the judges of a run whose scores cost nothing, and why others are left out."""
    judges: list[CheckedScorer] = []
    left_out: dict[str, str] = {}
    texts = [sample.text for pairs in material.policies.values() for sample, _ in pairs]
    for name in config.evaluation.judges:
        if not is_scorer(config, name):
            reason = "it compares two texts and gives no score"
            left_out[name] = "asked for with --people" if name == PEOPLE else reason
            continue
        scorer = build_scorer(name, config.scorers)
        if scorer.metered is not None:
            left_out[name] = "each of its scores costs a request"
        elif (problem := english_problem(scorer.sources, texts)) is not None:
            left_out[name] = problem
        else:
            judges.append(scorer)
    return judges, left_out


def _of_policies(material: _Material, judge: CheckedScorer) -> Curve:
    """Return a curve with a point for every policy that has samples beside the reference's."""
    rows = sorted({s.prompt_id for pairs in material.policies.values() for s, _ in pairs})
    place = {prompt: row for row, prompt in enumerate(rows)}
    shape = (len(rows), len(material.policies))
    kls, gains, proxy = (np.full(shape, np.nan) for _ in range(3))
    for column, pairs in enumerate(material.policies.values()):
        own, reference = [a for a, _ in pairs], [b for _, b in pairs]
        at = [place[sample.prompt_id] for sample in own]
        kls[at, column] = [_kl(sample) for sample in own]
        for table, scorer in ((gains, judge), (proxy, material.proxy)):
            rise = material.score(scorer, own) - material.score(scorer, reference)
            table[at, column] = rise
    return Curve(
        kind="policies",
        judge=judge.name,
        names=tuple(material.policies),
        kls=kls,
        gains=np.where(np.isnan(kls), np.nan, gains),
        proxy=proxy,
    )


def _of_people(material: _Material) -> Curve:
    """Return a curve of what people said of policies beside the reference, as far as they did."""
    kept = {own.id: (own, other) for found in material.policies.values() for own, other in found}
    verdicts = [
        verdict
        for verdict in material.store.verdicts(judge=PEOPLE, baseline=REFERENCE)
        if verdict.sample_id in kept
    ]
    names = list(dict.fromkeys(verdict.model for verdict in verdicts))
    rows = sorted({verdict.prompt_id for verdict in verdicts})
    kls, gains, proxy = (np.full((len(rows), len(names)), np.nan) for _ in range(3))
    pairs = [kept[verdict.sample_id] for verdict in verdicts]
    place = {prompt: row for row, prompt in enumerate(rows)}
    column = {name: number for number, name in enumerate(names)}
    at = [place[v.prompt_id] for v in verdicts], [column[v.model] for v in verdicts]
    kls[at] = [_kl(sample) for sample, _ in pairs]
    gains[at] = [verdict.outcome - 0.5 for verdict in verdicts]
    if pairs:
        own, reference = ([pair[side] for pair in pairs] for side in (0, 1))
        proxy[at] = material.score(material.proxy, own) - material.score(material.proxy, reference)
    return Curve(
        kind="policies", judge=PEOPLE, names=tuple(names), kls=kls, gains=gains, proxy=proxy
    )


def _kl(sample: Sample) -> float:
    """Return the one-sample estimate of the KL; NaN where it is unknown."""
    return np.nan if sample.log_ratio is None else sample.log_ratio


def _of_best_of_n(material: _Material, judge: CheckedScorer) -> Curve:
    """Return a curve with a point for the best of 2, 4, 8, ... reference samples by the reward."""
    groups = material.groups
    most = len(groups[0]) if groups else 1
    sizes = [2**k for k in range(1, most.bit_length()) if 2**k <= most]
    flat = [sample for group in groups for sample in group]
    shape = (len(groups), most)
    rewards, scores = (
        material.score(scorer, flat).reshape(shape) for scorer in (material.proxy, judge)
    )
    gains, proxy = (
        np.array([best_of_n_by(rewards, values, n) - values.mean(axis=1) for n in sizes])
        .reshape(len(sizes), len(groups))
        .T
        for values in (scores, rewards)
    )
    return Curve(
        kind="best of n",
        judge=judge.name,
        names=tuple(f"best of {n}" for n in sizes),
        kls=np.tile([best_of_n_kl(n) for n in sizes], (len(groups), 1)),
        gains=gains,
        proxy=proxy,
    )


def _notes(n_reward_models: int, *, trains: bool) -> tuple[str, ...]:
    """Return what a reader of the curves should know."""
    notes = [
        "A held-out judge stands for what people want only as far as it agrees with them: "
        "`--people` shows the verdicts that there are."
    ]
    if not trains:
        notes.append(
            "The run's own policies are best of n: nothing measures their KL, and they are on no "
            "curve of their own. How far choosing may go is what the curve of best of n says."
        )
    elif n_reward_models > 1:
        notes.append(
            f"The policies were trained against {n_reward_models} reward models one after the "
            "other; the form of the curve is that of one. The reward shown is the newest's."
        )
    return tuple(notes)
