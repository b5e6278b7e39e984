"""Estimates as the rows of a figures file."""

import math
from collections.abc import Sequence
from typing import Any

from prefloop.functional.statistics import Estimate, clustered_mean, paired_win_rate
from prefloop.records import Sample


def as_row(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON can hold it: an unbounded end is null."""
    low, high = estimate.interval
    return {
        "value": estimate.value,
        "low": low if math.isfinite(low) else None,
        "high": high if math.isfinite(high) else None,
        "confidence": estimate.confidence,
        "n": estimate.n,
        "n_clusters": estimate.n_clusters,
        "how": estimate.how,
    }


def mean_row(values: Sequence[float | None], clusters: Sequence[str]) -> dict[str, Any] | None:
    """Return the clustered mean of the values that exist; None if there are none."""
    known = _known(values, clusters)
    return as_row(clustered_mean(*known)) if known else None


def share_row(values: Sequence[float | None], clusters: Sequence[str]) -> dict[str, Any] | None:
    """Return the clustered mean of shares that exist: its interval stays between 0 and 1.

    Where all shares agree, the interval is Wilson's, and not the false certainty of no width.
    """
    known = _known(values, clusters)
    return as_row(paired_win_rate(*known)) if known else None


def _known(
    values: Sequence[float | None], clusters: Sequence[str]
) -> tuple[list[float], list[str]] | None:
    pairs = [(v, c) for v, c in zip(values, clusters, strict=True) if v is not None]
    return ([v for v, _ in pairs], [c for _, c in pairs]) if pairs else None


def pair_by_prompt(
    policy: Sequence[Sample], reference: Sequence[Sample]
) -> list[tuple[Sample, Sample]]:
    """Return the first policy sample of each prompt with its first reference sample, in order."""
    first: dict[str, Sample] = {}
    for sample in reference:
        first.setdefault(sample.prompt_id, sample)
    pairs: dict[str, tuple[Sample, Sample]] = {}
    for sample in policy:
        if sample.prompt_id in first:
            pairs.setdefault(sample.prompt_id, (sample, first[sample.prompt_id]))
    return list(pairs.values())
