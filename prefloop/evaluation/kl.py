"""How far a model has moved from the reference."""

from collections.abc import Sequence
from pathlib import Path

from prefloop.evaluation.estimates import mean_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.reading import read_best_of_n
from prefloop.records import Sample


def kl_figure(samples: Sequence[Sample]) -> EstimateFigure | None:
    """Return the mean KL per response in nats, from the model's own samples.

        KL(pi || rho) = E_{y ~ pi} [log pi(y|x) - log rho(y|x)]

    Samples whose likelihood under either model is unknown do not count. A single response may have
    a negative estimate; the mean may not, beyond its interval.
    """
    return mean_figure(
        [sample.log_ratio for sample in samples],
        [sample.prompt_id for sample in samples],
    )


def kl_bound(run: Path, model: str) -> float | None:
    """Return the upper bound on the KL of a run's policy that is best of n, in nats; None for any
    other model."""
    policy = read_best_of_n(run / model)
    return None if policy is None else policy.kl_at_most


def bound_figure(bound: float, samples: Sequence[Sample]) -> EstimateFigure | None:
    """Return an upper bound on the KL of the model that drew these samples, as a figure; None
    without samples."""
    if not samples:
        return None
    return EstimateFigure(
        value=bound,
        low=0.0,
        high=bound,
        confidence=1.0,
        n=len(samples),
        n_clusters=len({sample.prompt_id for sample in samples}),
        how="an upper bound, log n - (n - 1) / n; the KL was not measured",
    )
