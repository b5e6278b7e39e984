"""Estimates as the rows of a figures file."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from prefloop.functional.statistics import Estimate, clustered_mean
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


def mean_row(
    values: Sequence[float | None],
    clusters: Sequence[str],
    *,
    limits: tuple[float, float] | None = None,
) -> dict[str, Any] | None:
    """Return the clustered mean of the values that exist; None if there are none.

    `limits` are the ends of the scale (0 and 1 for a share): the interval is cut there.
    """
    known = [(v, c) for v, c in zip(values, clusters, strict=True) if v is not None]
    if not known:
        return None
    row = as_row(clustered_mean([v for v, _ in known], [c for _, c in known]))
    if limits is not None:
        low = limits[0] if row["low"] is None else row["low"]
        high = limits[1] if row["high"] is None else row["high"]
        row["low"], row["high"] = (float(np.clip(end, *limits)) for end in (low, high))
    return row


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
