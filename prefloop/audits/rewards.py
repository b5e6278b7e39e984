"""The audit of a reward model, before a policy is trained against it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.answers import AnswerTable, answer_table
from prefloop.audits.best_of import best_of_figures, unseen_groups
from prefloop.audits.findings import beside_reward_model
from prefloop.audits.held_out import held_out_scorer
from prefloop.audits.labels import LEAST_PROMPTS, without_meaning
from prefloop.audits.measures import MEASURES
from prefloop.audits.reward_choices import (
    calibrated_scale,
    group_accuracies,
    shortcuts_beside_labels,
)
from prefloop.audits.reward_edits import NEEDED, ChosenAnswer, Fits, edit_figures
from prefloop.audits.reward_rules import Evidence, ask_rules, trust_findings, verdict_of
from prefloop.audits.shortcuts import TEXT_SHORTCUTS
from prefloop.audits.text_figures import measures_version, text_figures
from prefloop.comparisons.quality.forecast import forecast
from prefloop.comparisons.targets import preference_targets
from prefloop.errors import InputError
from prefloop.figures.record import to_json
from prefloop.figures.reward_audit import (
    AmplifiedFigures,
    BestOfFigures,
    EditFigures,
    RewardAuditFigures,
)
from prefloop.files import read_json_lines, write_if_changed
from prefloop.progress import BeforeMaking, Progress, make_freely
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.rewards.own_texts import reward_models
from prefloop.rewards.scorer import RewardModelScorer
from prefloop.run_folder import (
    OF_ROUND,
    TEXT_FIGURES,
    TrustFile,
    read_label_audit,
    read_reward_audit,
    read_trusts,
    reward_audit_path,
)
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.fingerprint import digest, source_hash
from prefloop.seeding import stable_fraction
from prefloop.settings.audits import OF_THE_WATCH
from prefloop.settings.rewards import StrengthConfig
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

EDITED = 64
"""Answers that are edited, each scored a dozen times. With half as many none passes for sure."""


@dataclass(frozen=True, kw_only=True)
class AuditedModel:
    """A trained reward model: its figures, and how it scores texts."""

    trust: TrustFile
    scorer: CheckedScorer
    fits: Fits


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The validation questions whose texts the model can read."""

    table: AnswerTable
    comparisons: Sequence[Comparison]
    labels: Sequence[Label]
    samples: Mapping[str, Sample]
    prompts: Mapping[str, Prompt]

    @property
    def n_questions(self) -> int:
        return len(np.unique(self.table.question))


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What shortcuts and edits show."""

    scale: float | None = None
    """None where the labels do not surely rise with the scores."""
    shortcuts: tuple[AmplifiedFigures, ...] = ()
    edits: tuple[EditFigures, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def reward_audit_fingerprint(store: Store, config: RunConfig, trust: TrustFile) -> str:
    """Return a hash of all that the audit depends on; no model is loaded for it."""
    labels = store.labels(split="validation", for_training=True)
    parts = [f"{label.id} {label.answer} {label.chosen}" for label in labels]
    settings = config.audits.model_dump_json(exclude=OF_THE_WATCH), *config.evaluation.judges
    code = source_hash(sys.modules[__name__])
    return digest(code, measures_version(), trust.fingerprint, config.task.name, *settings, *parts)


def known_reward_audit(
    store: Store, config: RunConfig, folder: Path, trust: TrustFile
) -> RewardAuditFigures | None:
    """Return the audit of this reward model with these labels, if it was made before."""
    try:
        known = read_reward_audit(folder, trust.round)
    except InputError:  # It is written again.
        return None
    fingerprint = reward_audit_fingerprint(store, config, trust)
    return known if known is not None and known.fingerprint == fingerprint else None


def write_reward_audit(folder: Path, figures: RewardAuditFigures) -> None:
    """Keep the figures for report and doctor."""
    path = reward_audit_path(folder, figures.round)
    path.parent.mkdir(exist_ok=True)
    write_if_changed(path, to_json(figures))


def saved_trust(folder: Path, round_number: int | None = None) -> TrustFile:
    """Return the figures of a round's reward model, or the newest's; InputError without one."""
    there = [OF_ROUND.fullmatch(path.name) for path in reward_models(folder)]
    rounds = [int(name[1]) for name in there if name is not None]
    if not rounds or (round_number is not None and round_number not in rounds):
        known = ", ".join(map(str, rounds)) or "none"
        which = "reward model" if round_number is None else f"reward model of round {round_number}"
        raise InputError(
            f"{folder} has no {which} (rounds with one: {known}). Train one with `prefloop rewards "
            f"{folder}`."
        )
    chosen = rounds[-1] if round_number is None else round_number
    return next(file for file in read_trusts(folder) if file.round == chosen)


def saved_model(folder: Path, round_number: int | None = None) -> AuditedModel:
    """Return the reward model of a round, or the newest, as it lies in a run folder.

    InputError if it is not there.
    """
    trust = saved_trust(folder, round_number)
    name = f"rewards/round-{trust.round}"
    settings = {name: {"kind": "reward_model", "folder": str(folder / name)}}
    scorer = build_scorer(name, settings)
    assert isinstance(scorer.scorer, RewardModelScorer)  # of this kind
    return AuditedModel(trust=trust, scorer=scorer, fits=scorer.scorer.fits)


def audit_rewards(
    store: Store,
    config: RunConfig,
    folder: Path,
    model: AuditedModel,
    progress: Progress,
    *,
    before_making: BeforeMaking = make_freely,
) -> RewardAuditFigures:
    """Return whether a policy may be trained against a reward model, by what it has not seen."""
    before_making()
    asked = _asked(store, model.fits)
    scores = _scores(store, model, asked)
    seen = _seen(store, config, folder, model, asked, scores, progress)
    best_of = _best_of(store, config, model, asked.prompts)
    checks = ask_rules(_evidence(config, folder, model.trust, asked, seen, best_of))
    verdict, reason = verdict_of(checks, asked.n_questions)
    return RewardAuditFigures(
        fingerprint=reward_audit_fingerprint(store, config, model.trust),
        reward_model=model.trust.fingerprint,
        round=model.trust.round,
        questions=asked.n_questions,
        prompts=len(asked.table.prompts),
        needed=NEEDED,
        scale=(seen.scale or 1.0) if seen.shortcuts else None,
        is_calibrated_scale=seen.scale is not None,
        shortcuts=seen.shortcuts,
        by_labeler=group_accuracies(asked.table, scores, _labelers(asked.table)),
        by_round=group_accuracies(asked.table, scores, _rounds(asked)),
        edits=seen.edits,
        best_of=best_of,
        ensemble=model.trust.figures.ensemble,
        forecast=_forecast(folder, config, model.trust),
        checks=checks,
        verdict=verdict,
        reason=reason,
        left_out=seen.left_out,
        findings=trust_findings(checks, verdict, reason),
    )


def _seen(
    store: Store,
    config: RunConfig,
    folder: Path,
    model: AuditedModel,
    asked: _Asked,
    scores: NDArray[np.float64],
    progress: Progress,
) -> _Seen:
    """Return what shortcuts and edits show; nothing of too few questions or prompts."""
    if asked.n_questions < NEEDED or len(asked.table.prompts) < LEAST_PROMPTS:
        return _Seen()
    progress.say("Audit of the reward model: shortcuts and edits")
    names = asked.table.sample_ids
    texts = text_figures(store, names, folder / TEXT_FIGURES, progress)
    meaningless = without_meaning(store, list(dict.fromkeys(names)), texts)
    known = [s for s in TEXT_SHORTCUTS if s.name not in meaningless]
    scale = calibrated_scale(asked.table, scores)
    shortcuts, same = shortcuts_beside_labels(
        asked.table,
        known,
        texts[:, [MEASURES.index(s.name) for s in known]].astype(float),
        scores,
        scale=scale if scale is not None else 1.0,
        share=config.audits.reward_share,
        seed=config.seed,
    )
    edits, unedited = edit_figures(
        _chosen_answers(asked, config.rewards.strength),
        model.scorer,
        task=config.task.name,
        has_source=not any(s.needs_source and s.name in meaningless for s in TEXT_SHORTCUTS),
        fits=model.fits,
        progress=progress,
    )
    left_out = {**meaningless, **same, **unedited}
    return _Seen(scale=scale, shortcuts=shortcuts, edits=edits, left_out=left_out)


def _evidence(
    config: RunConfig,
    folder: Path,
    trust: TrustFile,
    asked: _Asked,
    seen: _Seen,
    best_of: BestOfFigures | None,
) -> Evidence:
    labels, validation = read_label_audit(folder), trust.figures.validation
    beside = None
    if labels is not None and validation is not None:
        beside = beside_reward_model(labels, validation, config)
    return Evidence(
        config=config,
        validation=validation,
        beside=beside,
        shortcuts=seen.shortcuts,
        edits=seen.edits,
        best_of=best_of,
        questions=asked.n_questions,
    )


def _asked(store: Store, fits: Fits) -> _Asked:
    comparisons = store.comparisons(split="validation")
    labels = store.labels(split="validation", for_training=True)
    answered = {label.comparison_id for label in labels}
    wanted = [c for c in comparisons if c.id in answered]
    samples = store.samples_by_id([i for c in wanted for i in c.sample_ids])
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    known = [
        c
        for c in wanted
        if all(fits(prompts[c.prompt_id].text, samples[i].text) for i in c.sample_ids)
    ]
    by_id = {c.id: c for c in known}
    own = [label for label in labels if label.comparison_id in by_id]
    return _Asked(
        table=answer_table(own, by_id),
        comparisons=known,
        labels=own,
        samples=samples,
        prompts=prompts,
    )


def _scores(store: Store, model: AuditedModel, asked: _Asked) -> NDArray[np.float64]:
    """Return the score of each row; those of stored samples are kept and read."""
    shown = [asked.samples[i] for i in asked.table.sample_ids]
    return score_samples(store, model.scorer, asked.prompts, shown)


def _chosen_answers(asked: _Asked, strength: StrengthConfig) -> list[ChosenAnswer]:
    """Return what labelers chose on some questions, one of a prompt, always the same ones."""
    found: dict[str, ChosenAnswer] = {}
    targets = preference_targets(asked.comparisons, asked.labels, strength)
    for target in sorted(targets, key=lambda t: stable_fraction(t.comparison.id)):
        votes, ids = np.array(target.probabilities), target.comparison.sample_ids
        is_decided = len(ids) > 1 and (votes == votes.max()).sum() == 1
        prompt = target.comparison.prompt_id
        if is_decided and prompt not in found and len(found) < EDITED:
            best = int(votes.argmax())
            other = ids[0 if best else 1]
            found[prompt] = ChosenAnswer(
                prompt=asked.prompts[prompt].text,
                text=asked.samples[ids[best]].text,
                other=asked.samples[other].text,
            )
    return list(found.values())


def _best_of(
    store: Store, config: RunConfig, model: AuditedModel, prompts: Mapping[str, Prompt]
) -> BestOfFigures | None:
    groups = [
        group
        for group in unseen_groups(store, prompts)
        if all(model.fits(prompts[s.prompt_id].text, s.text) for s in group)
    ]
    if len(groups) < LEAST_PROMPTS:
        return None
    flat, shape = [s for group in groups for s in group], (len(groups), len(groups[0]))
    rewards = score_samples(store, model.scorer, prompts, flat).reshape(shape)
    judge = held_out_scorer(config)
    held_out = None
    if judge is not None:
        held_out = score_samples(store, judge, prompts, flat).reshape(shape)
    return best_of_figures(rewards, held_out, judge.name if judge is not None else None)


def _labelers(table: AnswerTable) -> list[str]:
    return [table.labelers[i] for i in table.labeler]


def _rounds(asked: _Asked) -> list[str]:
    """Return the round in which each answer's question was asked."""
    rounds = {c.sample_ids: f"round {c.round}" for c in asked.comparisons}
    ends = asked.table.starts + asked.table.sizes
    spans = zip(asked.table.starts, ends, strict=True)
    return [rounds[asked.table.sample_ids[start:end]] for start, end in spans]


def _forecast(folder: Path, config: RunConfig, trust: TrustFile) -> str:
    """Return what more labels would bring, or that it cannot be told."""
    lines = read_json_lines(folder / "metrics.jsonl")
    own = [line for line in lines if line.get("round") == trust.round]
    return forecast(own, seed=config.seed, labels_per_epoch=trust.figures.labels).message
