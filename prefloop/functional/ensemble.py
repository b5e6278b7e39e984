"""How far the members of an ensemble disagree.

Shapes: B = responses, M = members.
"""

from jaxtyping import Float
from torch import Tensor


def member_spread(members: Float[Tensor, "B M"]) -> Float[Tensor, " B"]:
    """Return the standard deviation of what the members say of each response.

        spread = sqrt( sum_m (r_m - mean(r))^2 / (M - 1) )

    Divided by M - 1: with few members the population's formula is too small, by the root of 2 for
    two. ValueError for a head alone. Lakshminarayanan, Pritzel, Blundell 2017, arXiv:1612.01474,
    for the spread of an ensemble as its uncertainty.
    """
    if members.shape[1] < 2:
        raise ValueError("a spread needs 2 members or more; a head alone disagrees with nobody")
    return members.std(dim=1, correction=1)


def centering_shifts(members: Float[Tensor, "B M"], gain: float) -> list[float]:
    """Return the shift with which each member's mean of gain * r_m + shift_m is 0.

    Comparisons train differences of scores, so a member's level means nothing: left in, it would
    count as disagreement.
    """
    shifts: list[float] = (-gain * members.mean(dim=0)).tolist()
    return shifts
