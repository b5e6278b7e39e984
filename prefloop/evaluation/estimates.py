"""Estimates as figures files hold them, and the pairs of samples that comparisons are made of."""

import math
from collections.abc import Sequence

from prefloop.figures.estimate import EstimateFigure
from prefloop.functional.statistics import Estimate, clustered_mean, paired_win_rate
from prefloop.records import Sample


def estimate_figure(estimate: Estimate) -> EstimateFigure:
    """Return an estimate as a file can hold it: an unbounded end is None."""
    low, high = estimate.interval
    return EstimateFigure(
        value=estimate.value,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        confidence=estimate.confidence,
        n=estimate.n,
        n_clusters=estimate.n_clusters,
        how=estimate.how,
    )


def mean_figure(values: Sequence[float | None], clusters: Sequence[str]) -> EstimateFigure | None:
    """Return the clustered mean of the values that exist; None if there are none."""
    known = _known(values, clusters)
    return estimate_figure(clustered_mean(*known)) if known else None


def share_figure(values: Sequence[float | None], clusters: Sequence[str]) -> EstimateFigure | None:
    """Return the clustered mean of shares that exist: its interval stays between 0 and 1.

    Where all shares agree, the interval is Wilson's, and not the false certainty of no width.
    """
    known = _known(values, clusters)
    return estimate_figure(paired_win_rate(*known)) if known else None


def _known(
    values: Sequence[float | None], clusters: Sequence[str]
) -> tuple[list[float], list[str]] | None:
    pairs = [(v, c) for v, c in zip(values, clusters, strict=True) if v is not None]
    return ([v for v, _ in pairs], [c for _, c in pairs]) if pairs else None


def pair_by_prompt(
    model_samples: Sequence[Sample], baseline_samples: Sequence[Sample]
) -> list[tuple[Sample, Sample]]:
    """Return the first model sample of each prompt with its first baseline sample, in order."""
    first: dict[str, Sample] = {}
    for sample in baseline_samples:
        first.setdefault(sample.prompt_id, sample)
    pairs: dict[str, tuple[Sample, Sample]] = {}
    for sample in model_samples:
        if sample.prompt_id in first:
            pairs.setdefault(sample.prompt_id, (sample, first[sample.prompt_id]))
    return list(pairs.values())
