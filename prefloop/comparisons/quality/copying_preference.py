"""Who chooses what repeats the prompt, and does everybody?

"If it copies, pick it" is a labeler's fastest safe habit (Ziegler et al. 2019, arXiv:1909.08593,
section 4); a model that is trained on it learns to copy.
"""

from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.finding import Finding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.sentences import counted, percent, span
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.agreement import Choices, Excess, excess_over_others
from prefloop.functional.statistics import Estimate, paired_win_rate, q_values


@dataclass(frozen=True, kw_only=True)
class CopyChoice:
    """How often all labelers together choose the sample that copies most."""

    estimate: Estimate
    chance: float
    told: str


def copy_findings(history: LabelHistory, thresholds: Thresholds) -> list[Finding]:
    """Return for each labeler whether they choose copies far more often than others do.

    On the same questions: a labeler who was given more copies to choose from is not to blame. The
    instructions may say nothing on copying, so a finding is a reason to ask.
    """
    choices, hits = _copy_table(history)
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


def copy_choice(history: LabelHistory) -> CopyChoice | None:
    """Return how often the sample that copies most is chosen by all who are not excluded."""
    choices, hits = _copy_table(history)
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
    told = (
        f"Where one sample copies clearly most from the prompt, it is chosen in "
        f"{percent(estimate.value)} of {counted(estimate.n, 'answer')} "
        f"({span(estimate.interval)}); guessing would give {percent(chance)}."
    )
    return CopyChoice(estimate=estimate, chance=chance, told=told)


def _finding(labeler: str, excess: Excess, q: float, thresholds: Thresholds) -> Finding:
    is_found = q < thresholds.copy_q and excess.value > thresholds.copy_excess
    verb = "Chooses copies far more than others do" if is_found else "Copies"
    told = (
        f"{verb}: took the sample that repeats most of the prompt in {percent(excess.own)} of "
        f"{counted(excess.n, 'answer')}, where others on the same questions took it in "
        f"{percent(excess.own - excess.value)}."
    )
    if is_found:
        told += " See whether the instructions say how to treat copying."
    return Finding(
        labeler=labeler,
        kind="copying",
        status="found" if is_found else "not found",
        told=told,
        n=excess.n,
        value=excess.value,
        interval=excess.interval,
        action="ask" if is_found else None,
    )


def _has_copy(history: LabelHistory) -> np.ndarray:
    wordings = history.wordings
    return np.array(
        [
            label.comparison_id in wordings
            and wordings[label.comparison_id].copies_most is not None
            for label in history.table.rows
        ],
        dtype=bool,
    )


def _copy_table(history: LabelHistory) -> tuple[Choices, np.ndarray]:
    """Return the choices where one sample copies most, and which of them took it."""
    table, keep = history.table, _has_copy(history)
    rows = [label for label, is_kept in zip(table.rows, keep, strict=True) if is_kept]
    hits = [label.chosen == history.wordings[label.comparison_id].copies_most for label in rows]
    choices = table.choices.where(keep)
    return choices, np.array(hits, dtype=float)
