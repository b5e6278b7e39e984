"""The audit of a reward model, before a policy is trained against it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.best_of import best_of_figures, unseen_groups
from prefloop.audits.findings import beside_reward_model
from prefloop.audits.held_out import held_out_scorer
from prefloop.audits.labels import LEAST_PROMPTS, without_meaning
from prefloop.audits.measures import MEASURES
from prefloop.audits.reward_choices import (
    calibrated_scale,
    group_accuracies,
    prefers_none,
    shortcuts_beside_labels,
)
from prefloop.audits.reward_edits import NEEDED, Fits, edit_figures
from prefloop.audits.reward_rules import Evidence, ask_rules
from prefloop.audits.reward_verdict import trust_findings, verdict_of
from prefloop.audits.shortcuts import (
    POSITION,
    TEXT_SHORTCUTS,
    Shortcut,
    scorer_shortcut,
)
from prefloop.audits.text_figures import measures_version, text_figures
from prefloop.audits.validation_questions import ValidationQuestions, validation_questions
from prefloop.comparisons.quality.forecast import forecast
from prefloop.errors import InputError
from prefloop.figures.metrics_line import checked_lines
from prefloop.figures.record import to_json
from prefloop.figures.reward_audit import (
    AmplifiedFigures,
    BestOfFigures,
    EditFigures,
    RewardAuditFigures,
)
from prefloop.files import numbered_json_lines, write_if_changed
from prefloop.progress import BeforeMaking, Progress, make_freely
from prefloop.records import Prompt
from prefloop.rewards.own_texts import no_reward_model, reward_models
from prefloop.rewards.scorer import RewardModelScorer
from prefloop.run_folder import (
    LABEL_AUDIT,
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
from prefloop.settings.audits import OF_THE_WATCH
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

UNSEEN = "a reward model does not see in which order samples were shown"


@dataclass(frozen=True, kw_only=True)
class AuditedModel:
    """A trained reward model: its figures, and how it scores texts."""

    trust: TrustFile
    scorer: CheckedScorer
    fits: Fits


@dataclass(frozen=True, kw_only=True)
class _Shortcuts:
    """The shortcuts that are looked at, with a column of figures for each of the rows."""

    kinds: Sequence[Shortcut]
    features: NDArray[np.float64]
    left_out: Mapping[str, str]
    has_source: bool
    """Whether prompts are something to copy from."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What shortcuts and edits show."""

    scale: float | None = None
    """None where the labels do not surely rise with the scores."""
    is_constant: bool = False
    shortcuts: tuple[AmplifiedFigures, ...] = ()
    edits: tuple[EditFigures, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def reward_audit_fingerprint(
    store: Store,
    config: RunConfig,
    folder: Path,
    trust: TrustFile,
    scorers: Sequence[CheckedScorer] = (),
) -> str:
    """Return a hash of all that the audit depends on; no reward model is loaded for it.

    Of the audit of the labels it holds whether there is one: labels that came after the model
    was trained are none that it learned from.
    """
    labels = store.labels(split="validation", for_training=True)
    parts = [f"{label.id} {label.answer} {label.chosen}" for label in labels]
    settings = config.audits.model_dump_json(exclude=OF_THE_WATCH), *config.evaluation.judges
    named = [f"{scorer.name} {scorer.fingerprint}" for scorer in scorers]
    code = source_hash(sys.modules[__name__]), measures_version()
    beside = f"labels audited: {(folder / LABEL_AUDIT).is_file()}"
    return digest(*code, trust.fingerprint, config.task.name, *settings, beside, *named, *parts)


def known_reward_audit(
    store: Store,
    config: RunConfig,
    folder: Path,
    trust: TrustFile,
    scorers: Sequence[CheckedScorer] = (),
) -> RewardAuditFigures | None:
    """Return the audit of this reward model, these labels and scorers, if it was made before."""
    try:
        known = read_reward_audit(folder, trust.round)
    except InputError:  # It is written again.
        return None
    fingerprint = reward_audit_fingerprint(store, config, folder, trust, scorers)
    return known if known is not None and known.fingerprint == fingerprint else None


def write_reward_audit(folder: Path, figures: RewardAuditFigures) -> None:
    """Keep the figures for report and doctor."""
    path = reward_audit_path(folder, figures.round)
    path.parent.mkdir(exist_ok=True)
    write_if_changed(path, to_json(figures))


def saved_trust(folder: Path, round_number: int | None = None) -> TrustFile:
    """Return the figures of a round's reward model, or the newest's; InputError without one."""
    trusts = {file.round: file for file in read_trusts(folder)}
    there = [int(path.name.removeprefix("round-")) for path in reward_models(folder)]
    rounds = [number for number in there if number in trusts]
    if not rounds:
        raise no_reward_model(folder)
    if round_number is not None and round_number not in rounds:
        known = ", ".join(map(str, rounds))
        raise InputError(
            f"{folder} has no reward model of round {round_number} (rounds with one: {known})."
        )
    return trusts[rounds[-1] if round_number is None else round_number]


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
    scorers: Sequence[CheckedScorer] = (),
    before_making: BeforeMaking = make_freely,
) -> RewardAuditFigures:
    """Return whether a policy may be trained against a reward model, by what it has not seen.

    `scorers` are looked at as shortcuts too, as in the audit of the labels.
    """
    before_making()
    asked = validation_questions(store, model.fits)
    scores = _scores(store, model.scorer, asked, progress)
    seen = _Seen()
    if asked.n_questions >= NEEDED and asked.n_prompts >= LEAST_PROMPTS:
        progress.say("Audit of the reward model: shortcuts and edits")
        shortcuts = _shortcuts(store, folder, asked, scorers, progress)
        seen = _seen(config, model, asked, scores, shortcuts, progress)
    best_of = _best_of(store, config, model, asked.prompts, progress)
    figures = _figures(config, folder, model.trust, asked, scores, seen, best_of)
    fingerprint = reward_audit_fingerprint(store, config, folder, model.trust, scorers)
    return figures.model_copy(update={"fingerprint": fingerprint})


def _figures(
    config: RunConfig,
    folder: Path,
    trust: TrustFile,
    asked: ValidationQuestions,
    scores: NDArray[np.float64],
    seen: _Seen,
    best_of: BestOfFigures | None,
) -> RewardAuditFigures:
    checks = ask_rules(_evidence(config, folder, trust, asked, seen, best_of))
    verdict, reason = verdict_of(checks, asked.n_questions, ties=asked.n_ties)
    return RewardAuditFigures(
        fingerprint="",
        reward_model=trust.fingerprint,
        round=trust.round,
        questions=asked.n_questions,
        ties=asked.n_ties,
        prompts=asked.n_prompts,
        needed=NEEDED,
        scale=(seen.scale or 1.0) if seen.shortcuts else None,
        is_calibrated_scale=seen.scale is not None,
        shortcuts=seen.shortcuts,
        by_labeler=group_accuracies(asked.table, scores, asked.labelers()),
        by_round=group_accuracies(asked.table, scores, asked.rounds()),
        edits=seen.edits,
        best_of=best_of,
        ensemble=trust.figures.ensemble,
        forecast=_forecast(folder, config, trust),
        checks=checks,
        verdict=verdict,
        reason=reason,
        left_out=seen.left_out,
        findings=trust_findings(checks, verdict, reason),
    )


def _shortcuts(
    store: Store,
    folder: Path,
    asked: ValidationQuestions,
    scorers: Sequence[CheckedScorer],
    progress: Progress,
) -> _Shortcuts:
    """Return what of the labels' shortcuts a reward model can see, measured on its questions."""
    names = asked.table.sample_ids
    texts = text_figures(store, names, folder / TEXT_FIGURES, progress)
    meaningless = without_meaning(store, list(dict.fromkeys(names)), texts)
    known = [s for s in TEXT_SHORTCUTS if s.name not in meaningless]
    columns = [texts[:, MEASURES.index(s.name)].astype(float) for s in known]
    columns += [_scores(store, scorer, asked, progress) for scorer in scorers]
    return _Shortcuts(
        kinds=[*known, *(scorer_shortcut(s.name, s.description) for s in scorers)],
        features=np.column_stack(columns),
        left_out={**meaningless, POSITION: UNSEEN},
        has_source=not any(s.needs_source and s.name in meaningless for s in TEXT_SHORTCUTS),
    )


def _seen(
    config: RunConfig,
    model: AuditedModel,
    asked: ValidationQuestions,
    scores: NDArray[np.float64],
    shortcuts: _Shortcuts,
    progress: Progress,
) -> _Seen:
    scale = calibrated_scale(asked.table, scores)
    found, same = shortcuts_beside_labels(
        asked.table,
        shortcuts.kinds,
        shortcuts.features,
        scores,
        scale=scale if scale is not None else 1.0,
        share=config.audits.reward_share,
        seed=config.seed,
    )
    edits, unedited = edit_figures(
        asked.chosen_answers(config.rewards.strength),
        model.scorer,
        task=config.task.name,
        has_source=shortcuts.has_source,
        fits=model.fits,
        progress=progress,
    )
    return _Seen(
        scale=scale,
        is_constant=prefers_none(asked.table, scores),
        shortcuts=found,
        edits=edits,
        left_out={**shortcuts.left_out, **same, **unedited},
    )


def _evidence(
    config: RunConfig,
    folder: Path,
    trust: TrustFile,
    asked: ValidationQuestions,
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
        is_constant=seen.is_constant,
    )


def _scores(
    store: Store, scorer: CheckedScorer, asked: ValidationQuestions, progress: Progress
) -> NDArray[np.float64]:
    """Return the score of each row; those of stored samples are kept and read."""
    shown = [asked.samples[i] for i in asked.table.sample_ids]
    return score_samples(store, scorer, asked.prompts, shown, progress)


def _best_of(
    store: Store,
    config: RunConfig,
    model: AuditedModel,
    prompts: Mapping[str, Prompt],
    progress: Progress,
) -> BestOfFigures | None:
    unseen = unseen_groups(store, prompts)
    groups = [g for g in unseen if all(model.fits(prompts[s.prompt_id].text, s.text) for s in g)]
    if len(groups) < LEAST_PROMPTS:
        return None
    flat, shape = [s for group in groups for s in group], (len(groups), len(groups[0]))
    rewards = score_samples(store, model.scorer, prompts, flat, progress).reshape(shape)
    judge = held_out_scorer(config)
    if judge is None:
        return best_of_figures(rewards, None, None)
    held_out = score_samples(store, judge, prompts, flat, progress).reshape(shape)
    return best_of_figures(rewards, held_out, judge.name)


def _forecast(folder: Path, config: RunConfig, trust: TrustFile) -> str:
    """Return what more labels would bring, or that it cannot be told."""
    path = folder / "metrics.jsonl"
    lines = checked_lines(numbered_json_lines(path), path)
    own = [line for line in lines if line.get("round") == trust.round]
    return forecast(own, seed=config.seed, labels_per_epoch=trust.figures.labels).message
