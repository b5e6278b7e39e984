"""Can the reward model be believed? Figures on labels that it was not trained on.

Shapes: N = validation comparisons, K = samples in one comparison (shorter ones end in NaN).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.trust import (
    CalibrationBinFigures,
    CalibrationFigures,
    LengthBucket,
    LengthFigures,
    LengthOnlyFigures,
    MarginFigures,
    ValidationFigures,
)
from prefloop.functional.calibration import calibration_error
from prefloop.functional.statistics import wilson

LENGTH_MARGIN = 0.1
"""A chosen sample within this share of the others' mean length counts as equally long."""


def validation_figures(
    scores: Float[np.ndarray, "N K"],
    targets: Float[np.ndarray, "N K"],
    lengths: Float[np.ndarray, "N K"],
    ceiling: float | None = None,
    ceiling_questions: int | None = None,
) -> ValidationFigures:
    """Return the figures by which to decide whether a reward model can be followed.

    `targets` are shares of votes (rows sum to 1), `lengths` those of the responses in tokens.
    `ceiling` is how often another labeler would choose the same sample, on
    `ceiling_questions`; None if nobody knows.
    Accuracy is the share of the votes that the highest-scored sample got, equal scores sharing it:
    how often the model agrees with one labeler, and so of one kind with the ceiling. (Counting
    majorities only would keep the easy comparisons and flatter the model.)
    """
    exists = ~np.isnan(scores)
    targets = np.where(exists, np.nan_to_num(targets), 0.0)
    votes = np.where(exists, targets, -1.0)
    is_decided = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    credit = vote_credit(np.where(exists, scores, -np.inf), targets)
    return ValidationFigures(
        n=len(scores),
        n_tied=int((~is_decided).sum()),
        accuracy=wilson_share(credit),
        chance=float((1 / exists.sum(axis=1)).mean()),
        ceiling=ceiling,
        ceiling_questions=ceiling_questions,
        calibration=_calibration(scores, targets, exists),
        score_length_correlation=_within_correlation(scores, lengths, exists),
        by_margin=_by_margin(scores, credit),
        by_length=_by_length(
            lengths[is_decided],
            votes[is_decided].argmax(axis=1),
            exists[is_decided],
            credit[is_decided],
        ),
        length_only=_length_only(lengths, targets, exists),
    )


def response_lengths(
    sequences: Sequence[Sequence[Sequence[int]]], query_lengths: Sequence[int]
) -> list[int]:
    """Return the tokens of every response, comparison by comparison.

    A sequence is a query with a response. With a long query all sequences would be about equally
    long, whatever their responses are.
    """
    return [
        len(sequence) - n_query
        for group, n_query in zip(sequences, query_lengths, strict=True)
        for sequence in group
    ]


def wilson_share(credit: Float[np.ndarray, " M"]) -> EstimateFigure:
    """Return a mean of M >= 1 shares with its Wilson interval."""
    low, high = wilson(float(credit.sum()), len(credit))
    return EstimateFigure(
        value=float(credit.mean()),
        low=low,
        high=high,
        confidence=0.95,
        n=len(credit),
        n_clusters=len(credit),
        how="Wilson interval over comparisons",
    )


def vote_credit(
    values: Float[np.ndarray, "M K"], targets: Float[np.ndarray, "M K"]
) -> Float[np.ndarray, " M"]:
    """Return the share of the votes that the highest value got, the mean over equals."""
    is_top = values == values.max(axis=1, keepdims=True)
    return np.asarray((targets * is_top).sum(axis=1) / is_top.sum(axis=1), dtype=float)


def _calibration(
    scores: Float[np.ndarray, "N K"],
    targets: Float[np.ndarray, "N K"],
    exists: np.ndarray[Any, Any],
) -> CalibrationFigures:
    """Compare softmax(scores) with the shares of votes, sample by sample."""
    probabilities = softmax(np.where(exists, scores, -np.inf), axis=1)
    result = calibration_error(probabilities[exists], targets[exists])
    return CalibrationFigures(
        error=result.error,
        n=int(exists.sum()),
        bins=tuple(
            CalibrationBinFigures(
                low=row.low,
                high=row.high,
                n=row.n,
                mean_probability=row.mean_probability,
                frequency=row.frequency,
                interval=(row.interval.low, row.interval.high),
            )
            for row in result.bins
        ),
    )


def _within_correlation(
    a: Float[np.ndarray, "N K"], b: Float[np.ndarray, "N K"], exists: np.ndarray[Any, Any]
) -> float | None:
    """Return Pearson's correlation of two figures within comparisons: prompts do not count."""
    x, y = (np.where(exists, values, np.nan) for values in (a, b))
    x, y = (values - np.nanmean(values, axis=1, keepdims=True) for values in (x, y))
    x, y = x[exists], y[exists]
    norm = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum() / norm) if norm > 0 else None


def _by_margin(
    scores: Float[np.ndarray, "M K"], credit: Float[np.ndarray, " M"]
) -> tuple[MarginFigures, ...]:
    """Return the accuracy in quarters of the lead of the best score over the second."""
    ordered = np.sort(np.where(np.isnan(scores), -np.inf, scores), axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    rank = np.argsort(margin, kind="stable")
    return tuple(
        MarginFigures(
            low=float(margin[part].min()),
            high=float(margin[part].max()),
            accuracy=wilson_share(credit[part]),
        )
        for part in np.array_split(rank, 4)
        if len(part)
    )


def _others(
    lengths: Float[np.ndarray, "M K"], best: np.ndarray[Any, Any], exists: np.ndarray[Any, Any]
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Return the chosen sample's length and the mean length of those it was compared with."""
    known = np.where(exists, np.nan_to_num(lengths), 0.0)
    chosen = known[np.arange(len(best)), best]
    return chosen, (known.sum(axis=1) - chosen) / np.maximum(exists.sum(axis=1) - 1, 1)


def _by_length(
    lengths: Float[np.ndarray, "M K"],
    best: np.ndarray[Any, Any],
    exists: np.ndarray[Any, Any],
    credit: Float[np.ndarray, " M"],
) -> tuple[LengthFigures, ...]:
    """Return the accuracy where the chosen sample is shorter, alike, or longer than the others."""
    chosen, others = _others(lengths, best, exists)
    change = (chosen - others) / np.maximum(others, 1e-9)
    parts: tuple[tuple[LengthBucket, np.ndarray[Any, Any]], ...] = (
        ("chosen is shorter", change < -LENGTH_MARGIN),
        ("about equal", np.abs(change) <= LENGTH_MARGIN),
        ("chosen is longer", change > LENGTH_MARGIN),
    )
    return tuple(
        LengthFigures(bucket=bucket, accuracy=wilson_share(credit[here]))
        for bucket, here in parts
        if here.any()
    )


def _length_only(
    lengths: Float[np.ndarray, "M K"],
    targets: Float[np.ndarray, "M K"],
    exists: np.ndarray[Any, Any],
) -> LengthOnlyFigures:
    """Return the accuracy of a rater who can only count: the better of longest and shortest."""
    longest = vote_credit(np.where(exists, lengths, -np.inf), targets)
    shortest = vote_credit(np.where(exists, -lengths, -np.inf), targets)
    if longest.mean() >= shortest.mean():
        return LengthOnlyFigures(rule="longest", accuracy=wilson_share(longest))
    return LengthOnlyFigures(rule="shortest", accuracy=wilson_share(shortest))
