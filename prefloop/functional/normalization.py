"""The gain and shift that give scores a fixed mean and spread.

Shapes: B = scores of reference samples.
"""

from jaxtyping import Float
from torch import Tensor


def gain_and_shift(
    scores: Float[Tensor, " B"], *, mean: float = 0.0, std: float = 1.0
) -> tuple[float, float]:
    """Return (gain, shift) such that gain * scores + shift has this mean and standard deviation.

        gain  = std / std(scores)
        shift = mean - gain * mean(scores)

    The standard deviation is the population's (divided by B). Without this step the KL coefficient
    means something else for every reward model. Scores that are all equal, or not finite, cannot
    be scaled and raise ValueError. Ziegler et al. 2019, arXiv:1909.08593 (released code).
    """
    exact = scores.detach().double()
    if exact.numel() < 2 or not bool(exact.isfinite().all()):
        raise ValueError(f"normalization needs at least 2 finite scores; got {scores.tolist()[:8]}")
    if exact.max() == exact.min():
        raise ValueError(
            f"all {exact.numel()} scores are {exact[0].item():g}: the reward model tells no sample "
            "from another, so there is no spread to normalize"
        )
    gain = std / exact.std(correction=0).item()
    return gain, mean - gain * exact.mean().item()
