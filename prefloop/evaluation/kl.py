"""How far a model has moved from the reference."""

from collections.abc import Sequence

from prefloop.evaluation.estimates import mean_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.records import Sample


def kl_figure(samples: Sequence[Sample]) -> EstimateFigure | None:
    """Return the mean KL per response in nats, from the model's own samples.

        KL(pi || rho) = E_{y ~ pi} [log pi(y|x) - log rho(y|x)]

    Samples whose likelihood under the reference is unknown do not count. A single response may have
    a negative estimate; the mean may not, beyond its interval.
    """
    return mean_figure(
        [
            None if sample.ref_logprob is None else sample.logprob - sample.ref_logprob
            for sample in samples
        ],
        [sample.prompt_id for sample in samples],
    )
