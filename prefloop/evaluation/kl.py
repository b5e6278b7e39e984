"""How far the tuned model has moved from the reference."""

from collections.abc import Sequence
from typing import Any

from prefloop.evaluation.estimates import mean_row
from prefloop.records import Sample


def kl_figures(policy_samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Return the mean KL per response in nats, from the policy's own samples.

        KL(pi || rho) = E_{y ~ pi} [log pi(y|x) - log rho(y|x)]

    Samples whose likelihood under the reference is unknown do not count. A single response may have
    a negative estimate; the mean may not, beyond its interval.
    """
    return mean_row(
        [
            None if sample.ref_logprob is None else sample.logprob - sample.ref_logprob
            for sample in policy_samples
        ],
        [sample.prompt_id for sample in policy_samples],
    )
