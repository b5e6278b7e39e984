"""How far the tuned model has moved from the reference."""

from collections.abc import Sequence
from typing import Any

from prefloop.evaluation.estimates import mean_row
from prefloop.records import Sample


def kl_figures(policy_samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Return the mean KL per response in nats, from the policy's own samples.

        KL(pi || rho) = E_{y ~ pi} [log pi(y|x) - log rho(y|x)]

    A single response may have a negative estimate; the mean may not, beyond its interval.
    """
    return mean_row(
        [sample.logprob - sample.ref_logprob for sample in policy_samples],
        [sample.prompt_id for sample in policy_samples],
    )
