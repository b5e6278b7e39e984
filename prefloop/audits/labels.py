"""The audit of a run's labels, before anything learns from them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.answers import AnswerTable, answer_table
from prefloop.audits.copying import contrast_figures, is_copy
from prefloop.audits.explaining import Explained, explain
from prefloop.audits.findings import NONE_AT_ALL, label_findings
from prefloop.audits.measures import MEASURES, N_WORDS
from prefloop.audits.shortcuts import (
    SHOWN_EARLIER,
    TEXT_SHORTCUTS,
    scorer_shortcut,
    shortcuts_without_meaning,
)
from prefloop.audits.text_figures import measures_version, text_figures
from prefloop.errors import InputError
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.figures.record import to_json
from prefloop.figures.text import count, counted
from prefloop.files import write_if_changed
from prefloop.functional.choice_model import FEW_GROUPS
from prefloop.progress import BeforeMaking, Progress, make_freely
from prefloop.records import Label
from prefloop.run_folder import LABEL_AUDIT, TEXT_FIGURES, read_label_audit
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.fingerprint import digest, source_hash
from prefloop.settings.audits import OF_THE_WATCH
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

LEAST_PROMPTS = 10
"""Prompts without which nothing can be predicted for a prompt that was not seen."""

LOOKED_AT = 200
"""Samples whose script is looked at."""

MOST_NAMED = 5
"""Excluded labelers that are named; of the others the number is given."""


def audit_scorers(config: RunConfig) -> list[CheckedScorer]:
    """Return the scorers that a run file names as shortcuts."""
    return [build_scorer(name, config.scorers) for name in config.audits.scorers]


def audit_labels(
    store: Store,
    config: RunConfig,
    folder: Path,
    progress: Progress,
    *,
    scorers: Sequence[CheckedScorer] = (),
    before_making: BeforeMaking = make_freely,
) -> LabelAuditFigures:
    """Return what the labels of a run reward; figures of the same labels are read, not made again.

    Those of other code, or of another version's form, are made again: an audit is never kept wrong.
    `scorers` are looked at as shortcuts too. `before_making` is called if there is something new.
    """
    labels = store.labels(for_training=True)
    fingerprint = digest(source_hash(sys.modules[__name__]), _fingerprint(labels, config, scorers))
    known = _known(folder)
    if known is not None and known.fingerprint == fingerprint:
        return known
    before_making()
    figures = _audit(store, config, folder, labels, scorers, progress)
    return figures.model_copy(update={"fingerprint": fingerprint})


def write_label_audit(folder: Path, figures: LabelAuditFigures) -> None:
    """Keep the figures for report and doctor."""
    (folder / LABEL_AUDIT).parent.mkdir(exist_ok=True)
    write_if_changed(folder / LABEL_AUDIT, to_json(figures))


def _known(folder: Path) -> LabelAuditFigures | None:
    """Return the figures that the folder holds; None if there are none that this code can read."""
    try:
        return read_label_audit(folder)
    except InputError:
        return None


def _fingerprint(
    labels: Sequence[Label], config: RunConfig, scorers: Sequence[CheckedScorer]
) -> str:
    parts = [f"{label.id} {label.answer} {label.chosen}" for label in labels]
    named = [f"{scorer.name} {scorer.fingerprint}" for scorer in scorers]
    settings = config.audits.model_dump_json(exclude=OF_THE_WATCH)
    return digest(measures_version(), settings, config.task.name, *named, *parts)


def _audit(
    store: Store,
    config: RunConfig,
    folder: Path,
    labels: Sequence[Label],
    scorers: Sequence[CheckedScorer],
    progress: Progress,
) -> LabelAuditFigures:
    comparisons = {comparison.id: comparison for comparison in store.comparisons()}
    table = answer_table(labels, comparisons)
    names = list(dict.fromkeys(table.sample_ids))
    numbers = {name: number for number, name in enumerate(names)}
    row = np.fromiter(map(numbers.__getitem__, table.sample_ids), dtype=np.int64)
    texts = text_figures(store, names, folder / TEXT_FIGURES, progress)[row]
    left_out = without_meaning(store, names, texts)
    known = [s for s in TEXT_SHORTCUTS if s.name not in left_out]
    columns = [texts[:, MEASURES.index(s.name)].astype(float) for s in known]
    columns.append(table.place)
    for scorer in scorers:
        columns.append(_scores(store, scorer, names)[row])
    shortcuts = [*known, SHOWN_EARLIER, *(scorer_shortcut(s.name, s.description) for s in scorers)]
    explained = None
    problem = _too_little(table, len(labels), config.audits.least_choices)
    if problem is not None:
        left_out[NONE_AT_ALL] = problem
    else:
        features = np.column_stack(columns)
        explained = explain(table, shortcuts, features, least=config.audits.least_choices)
    has_source = "copied_words" not in left_out and len(table.starts) > 0
    copies = is_copy(texts[:, MEASURES.index("copied_sentences")], texts[:, N_WORDS])
    figures = _figures(table, labels, explained, left_out, config, store).model_copy(
        update={"contrast": contrast_figures(table, copies) if has_source else None}
    )
    findings = label_findings(figures, config)
    return figures.model_copy(update={"findings": findings})


def _figures(
    table: AnswerTable,
    labels: Sequence[Label],
    explained: Explained | None,
    left_out: Mapping[str, str],
    config: RunConfig,
    store: Store,
) -> LabelAuditFigures:
    return LabelAuditFigures(
        fingerprint="",
        ledger_events=store.ledger_head().n_events,
        labels=len(labels),
        choices=int(table.is_choice.sum()),
        ties=int((~table.is_choice).sum()),
        labelers=len(table.labelers),
        questions=len(np.unique(table.question)),
        least_choices=config.audits.least_choices,
        chance=table.chance,
        together=explained.together if explained else None,
        shortcuts=explained.shortcuts if explained else (),
        contrast=None,
        left_out={**left_out, **(explained.left_out if explained else {})},
        notes=(*_notes(table), *_excluded(store)),
        findings=(),
    )


def _too_little(table: AnswerTable, n_labels: int, least: int) -> str | None:
    """Return why nothing can be said of these answers; None if something can."""
    n_choices = int(table.is_choice.sum())
    if not n_labels:
        return f"there is no label yet, and {count(least)} choices are needed"
    if not n_choices:
        return (
            f"none of {counted(n_labels, 'label')} chooses a sample, and {count(least)} choices "
            "are needed. Where they are ties or skips, make the question clearer; where all "
            "samples are called bad, ask about others"
        )
    if n_choices < least:
        return f"{counted(n_choices, 'choice')} of a sample, and {count(least)} are needed"
    if len(table.prompts) < LEAST_PROMPTS:
        return (
            f"all answers are about {counted(len(table.prompts), 'prompt')}, and "
            f"{LEAST_PROMPTS} are needed to predict choices on prompts that were not seen"
        )
    return None


def without_meaning(
    store: Store, names: Sequence[str], texts: NDArray[np.float32]
) -> dict[str, str]:
    """Return the shortcuts that mean nothing on these texts, with the reason.

    `texts` are rows of figures of the samples called `names`, in any number.
    """
    if not names:
        return {}
    some = store.samples_by_id(names[:LOOKED_AT])
    return shortcuts_without_meaning(texts, [sample.text for sample in some.values()])


def _scores(store: Store, scorer: CheckedScorer, names: Sequence[str]) -> NDArray[np.float64]:
    """Return a scorer's numbers, kept in the store as any scores are."""
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    return score_samples(store, scorer, prompts, list(store.samples_by_id(names).values()))


def _notes(table: AnswerTable) -> tuple[str, ...]:
    """Return what a reader must know about who answered."""
    n_labelers = len(table.labelers)
    if n_labelers == 1:
        return (
            f"{table.labelers[0]} gave all answers: the intervals are about this labeler only.",
        )
    if 0 < n_labelers < FEW_GROUPS:
        return (
            f"{n_labelers} labelers answered: the intervals are about these labelers only; "
            f"{FEW_GROUPS} are needed to speak of others.",
        )
    return ()


def _excluded(store: Store) -> tuple[str, ...]:
    """Return whose answers are not among the labels, in a sentence; nothing where nobody's."""
    names = sorted(store.exclusions.excluded())
    if not names:
        return ()
    more = f" and {count(len(names) - MOST_NAMED)} more" if len(names) > MOST_NAMED else ""
    return (
        f"Left out are the answers of those who are excluded: "
        f"{', '.join(names[:MOST_NAMED])}{more}.",
    )
