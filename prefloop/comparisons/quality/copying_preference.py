"""Copying preference: who chooses what copies the prompt, and does everybody?

Copies are quick to check and never false, so labelers who are asked to punish errors prefer them
(Ziegler et al. 2019, arXiv:1909.08593, section 4); a model trained on such labels learns to copy.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from prefloop.comparisons.quality.finding import LabelerFinding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, percent, share_interval
from prefloop.functional.agreement import Choices, Excess, excess_over_others
from prefloop.functional.statistics import Estimate, paired_win_rate, q_values
from prefloop.records import Label


@dataclass(frozen=True, kw_only=True)
class CopyingPreference:
    """How often all labelers together choose the sample that copies most."""

    estimate: Estimate
    chance: float
    message: str


def copying_findings(history: LabelHistory, thresholds: Thresholds) -> list[LabelerFinding]:
    """Return for each labeler whether they choose copies far more often than others do.

    Compared on the same questions, so it does not matter who was shown more copies. The
    instructions may not mention copying, so a finding is a reason to ask.
    """
    choices, hits = _copying_table(history)
    found = excess_over_others(choices, hits, history.is_counted)
    enough = [x is not None and x.n >= thresholds.least_overlap for x in found]
    p_values = [x.p_value for x, is_enough in zip(found, enough, strict=True) if x and is_enough]
    adjusted = iter(q_values(p_values))
    return [
        _finding(name, x, float(next(adjusted)), thresholds)
        if x is not None and is_enough
        else unknown(
            name,
            "copying",
            x.n if x else 0,
            f"{counted(x.n if x else 0, 'answer')} where one sample copies most and others "
            f"answered too; {thresholds.least_overlap} are needed.",
        )
        for name, x, is_enough in zip(history.labelers, found, enough, strict=True)
    ]


def copying_preference(history: LabelHistory) -> CopyingPreference | None:
    """Return how often the sample that copies most is chosen by all who are not excluded."""
    choices, hits = _copying_table(history)
    keep = history.is_counted[choices.labeler]
    if not keep.any():
        return None
    sizes = history.table.n_options[_has_copy(history)][keep]
    estimate = paired_win_rate(
        hits[keep].tolist(),
        choices.question[keep].tolist(),
        labelers=choices.labeler[keep].tolist(),
    )
    chance = float((1 / sizes).mean())
    message = (
        f"Where one sample copies clearly most from the prompt, it is chosen in "
        f"{percent(estimate.value)} of {counted(estimate.n, 'answer')} "
        f"({share_interval(*estimate.interval)}); guessing would give {percent(chance)}."
    )
    return CopyingPreference(estimate=estimate, chance=chance, message=message)


class CopyingAnswer(NamedTuple):
    """A choice where one sample copies most."""

    label: Label
    is_copy: bool
    chance: float
    """That a guess takes the copy."""


def copying_answers(history: LabelHistory) -> list[CopyingAnswer]:
    """Return the choices of all who are not excluded where one sample copies most."""
    table, stats = history.table, history.question_stats
    return [
        CopyingAnswer(label, label.chosen == stats[label.comparison_id].copies_most, 1 / int(n))
        for label, n, has_copy in zip(
            table.labels, table.n_options, _has_copy(history), strict=True
        )
        if has_copy and label.labeler not in history.excluded
    ]


def _finding(labeler: str, excess: Excess, q: float, thresholds: Thresholds) -> LabelerFinding:
    is_found = q < thresholds.copying_q and excess.value > thresholds.copying_excess
    verb = "Chooses copies far more than others do" if is_found else "Copies"
    message = (
        f"{verb}: chose the sample that copies most from the prompt in {percent(excess.own)} of "
        f"{counted(excess.n, 'answer')}, where others on the same questions chose it in "
        f"{percent(excess.own - excess.value)}."
    )
    if is_found:
        message += " Check whether the instructions say how to treat copying."
    return LabelerFinding(
        labeler=labeler,
        kind="copying",
        status="found" if is_found else "not found",
        message=message,
        n=excess.n,
        value=excess.value,
        interval=excess.interval,
        action="ask" if is_found else None,
    )


def _has_copy(history: LabelHistory) -> np.ndarray:
    known = history.question_stats
    return np.array(
        [
            label.comparison_id in known and known[label.comparison_id].copies_most is not None
            for label in history.table.labels
        ],
        dtype=bool,
    )


def _copying_table(history: LabelHistory) -> tuple[Choices, np.ndarray]:
    """Return the choices where one sample copies most, and which of them chose it."""
    table, keep = history.table, _has_copy(history)
    kept = [label for label, is_kept in zip(table.labels, keep, strict=True) if is_kept]
    stats = history.question_stats
    hits = [label.chosen == stats[label.comparison_id].copies_most for label in kept]
    choices = table.choices.where(keep)
    return choices, np.array(hits, dtype=float)
