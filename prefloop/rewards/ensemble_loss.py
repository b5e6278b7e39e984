"""The loss of a reward model with several heads."""

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import PreferenceBatch
from prefloop.label_types.preference_loss import PreferenceLoss


def ensemble_loss(
    preference: PreferenceLoss,
    members: Float[Tensor, "M B K"],
    batch: PreferenceBatch,
    *,
    denominator: int,
) -> Float[Tensor, ""]:
    """Return the mean over members of each one's loss on the comparisons as often as it sees them.

    Each member is trained as if it were alone; what they share gets the mean of their gradients.
    """
    losses = []
    for m, scores in enumerate(members):
        rows = torch.arange(len(scores), device=scores.device)
        if batch.counts is not None:
            rows = rows.repeat_interleave(batch.counts[m])
        losses.append(
            preference.loss(
                scores[rows], batch.targets[rows], batch.present[rows], denominator=denominator
            )
        )
    return torch.stack(losses).mean()
