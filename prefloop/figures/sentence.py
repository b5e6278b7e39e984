"""The verdict as one sentence that claims no more than the figures hold.

Its first word is the verdict: *Better*, *Worse*, *Not shown* or *Not judged*.
"""

from typing import Literal

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import EvaluationFigures, WinRateFigures
from prefloop.figures.text import (
    at_most,
    count,
    counted,
    fixed,
    model_title,
    named_share_interval,
    percent,
)

VerdictWord = Literal["Better", "Worse", "Not shown", "Not judged"]

BASE = "reference"
"""The model that all others are compared with, unless another one is named."""

TUNED = "the tuned model"

MANY_TIES = 0.5
"""Share of ties from which on the sentence says how many pairs were decided."""

TOO_BLUNT = 0.9
"""Share of ties from which on a judge can hardly tell two models apart."""


def verdict_word(win_rate: WinRateFigures | None) -> VerdictWord:
    """Return what is shown: *Better* only where the whole interval lies above one half."""
    if win_rate is None:
        return "Not judged"
    if win_rate.rate.lies_above(0.5):
        return "Better"
    return "Worse" if win_rate.rate.lies_below(0.5) else "Not shown"


def with_verdict(figures: EvaluationFigures) -> EvaluationFigures:
    """Return figures with the sentence that they hold."""
    verdict = verdict_sentence(
        figures.win_rate,
        figures.kl,
        model=figures.model,
        baseline=figures.baseline,
        task=figures.task,
        why_not=figures.why_not_judged,
        kl_at_most=figures.kl_at_most,
    )
    return figures.model_copy(update={"verdict": verdict})


def verdict_sentence(
    win_rate: WinRateFigures | None,
    kl: EstimateFigure | None,
    *,
    model: str,
    baseline: str = BASE,
    task: str,
    why_not: str = "there are no verdicts",
    kl_at_most: float | None = None,
) -> str:
    """Return the result in one sentence: the verdict, who judged, how often, how sure, at what KL.

    A judge "prefers" a model only where that is shown. `why_not` is said where nobody judged,
    `kl_at_most` in place of a KL that was not measured.
    """
    word = verdict_word(win_rate)
    ours = TUNED if model.startswith("policy/") else _named(model)
    theirs, nats = _named(baseline), _nats(kl, kl_at_most)
    if win_rate is None:
        moved = f" Its KL from the reference is {nats}." if nats else ""
        return f"{word}: whether {ours} is better at “{task}” is not known; {why_not}.{moved}"
    distance = f", at a KL of {nats}" if nats else ""
    if nats and baseline != BASE:
        distance += " from the reference"
    rate = win_rate.rate if word != "Worse" else _mirrored(win_rate.rate)
    found = (
        f"{percent(rate.value)} of {counted(rate.n_clusters, 'held-out prompt')} "
        f"({named_share_interval(rate)}){distance}"
    )
    is_alone = win_rate.people is not None and win_rate.people.people == 1
    name = "one person" if is_alone else win_rate.description
    judge = f"the held-out judge ({name})"
    if win_rate.shared_sources:
        judge = f"the judge ({name}; not independent of the labels)"
    ties = _ties(win_rate, ours, theirs)
    if word == "Not shown":
        return f"{word}: with {judge}, {ours} came out ahead on {found}; that can be chance.{ties}"
    return f"{word}: {judge} prefers {ours if word == 'Better' else theirs} on {found}.{ties}"


def comparisons_text(n: int) -> str:
    """Return what intervals of several comparisons may be read as.

    >>> comparisons_text(3)[:66]
    'These are 3 comparisons. Each interval is one of its own, not corr'
    """
    return (
        f"These are {count(n)} comparisons. Each interval is one of its own, not corrected for "
        "their number: where no model differs, one comparison in 20 looks as if one did. The "
        "verdict, on the last round's policy by the first judge, needs no correction if both were "
        "fixed before anything was seen; what the others show is worth a test of its own."
    )


def _ties(win_rate: WinRateFigures, ours: str, theirs: str) -> str:
    """Return that ties count as half; of a judge that calls many a tie, how the others went."""
    n, ties = win_rate.n, win_rate.ties
    if not ties:
        return ""
    if ties < MANY_TIES * n:
        return f" {counted(ties, 'tie')} among them {'counts' if ties == 1 else 'count'} as half."
    decided = f"{count(win_rate.wins)} for {ours}, {count(win_rate.losses)} for {theirs}"
    text = f" It decided {count(n - ties)} of {counted(n, 'pair')}" + (
        f": {decided}; a tie counts as half." if n > ties else "; a tie counts as half."
    )
    if ties >= TOO_BLUNT * n:
        text += " A judge that calls nine pairs in ten a tie is too blunt: ask another one."
    return text


def _nats(kl: EstimateFigure | None, bound: float | None) -> str:
    if bound is not None:
        return f"{at_most(bound)} nats"
    return f"{fixed(kl.value, 1)} nats" if kl else ""


def _named(model: str) -> str:
    return "the reference" if model == BASE else f"“{model_title(model)}”"


def _mirrored(rate: EstimateFigure) -> EstimateFigure:
    """Return the same rate as the share of the baseline."""
    low, high = (None if end is None else 1 - end for end in (rate.high, rate.low))
    return rate.model_copy(update={"value": 1 - rate.value, "low": low, "high": high})
