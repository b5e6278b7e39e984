"""S17: nothing is averaged over padding.

Reported as rlhf-book PR 216. The same responses in a wider batch must give the same numbers.
"""

import torch

from prefloop.functional.advantages import explained_variance
from prefloop.functional.kl import kl_k1, sequence_kl
from prefloop.functional.masking import masked_mean, masked_var
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from tests.tolerances import FP64
from tests.wrong_twins import twins

GENERATOR = torch.Generator().manual_seed(12)
MASK = torch.tensor([[True, True, True], [True, False, False]])
A, B, C = (torch.randn(2, 3, generator=GENERATOR, dtype=torch.float64) for _ in range(3))


def wide(x: torch.Tensor) -> torch.Tensor:
    """The same responses, seven more places of padding."""
    fill = torch.full((2, 7), 5.0 if x.is_floating_point() else False).to(x.dtype)
    return torch.cat([x, fill], dim=1)


def figures(a, b, c, mask, policy=clipped_policy_loss) -> torch.Tensor:
    """Return every scalar that a run logs."""
    return torch.stack(
        [
            masked_mean(a, mask),
            masked_var(a, mask),
            sequence_kl(kl_k1(a, b, mask)).mean(),
            explained_variance(a, b, mask),
            *policy(a, b, c, mask, clip_range=0.2),
            *clipped_value_loss(a, b, c, mask, clip_range_value=0.2),
        ]
    )


def test_wider_batch_gives_the_same_figures() -> None:
    narrow = figures(A, B, C, MASK)
    torch.testing.assert_close(figures(wide(A), wide(B), wide(C), wide(MASK)), narrow, **FP64)


def test_twin_that_divides_by_all_places_shrinks_with_the_batch() -> None:
    narrow = twins.surrogate_over_padding(A, B, C, MASK, clip_range=0.2)
    padded = twins.surrogate_over_padding(wide(A), wide(B), wide(C), wide(MASK), clip_range=0.2)
    torch.testing.assert_close(padded.loss * 20, narrow.loss * 6, **FP64)
    assert padded.loss.abs() < narrow.loss.abs()
