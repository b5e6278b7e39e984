"""Best of n: draw n responses of the reference, keep the one with the highest score.

Shapes: B = responses kept, N = B n = responses drawn, n for each.
"""

import math

from jaxtyping import Float, Int
from torch import Tensor


def best_of_n_kl(n: int) -> float:
    """Return an upper bound on the KL of best of n from the reference, in nats.

        KL(pi_n || rho) <= log n - (n - 1) / n

    It holds for every prompt, and so for their mean. The literature has it as an equality, which it
    is where no response comes twice; where single responses are likely the KL is smaller. Beirami
    et al. 2024, arXiv:2401.01879, section 3.
    """
    return math.log(n) - (n - 1) / n


def best_rows(scores: Float[Tensor, " N"], *, n: int) -> Int[Tensor, " B"]:
    """Return the row of the highest score among each n neighbors; of equal ones, the first.

        i_b = n b + argmax_j scores_(n b + j)         j = 0 ... n - 1

    Draws are exchangeable, so the first of equal ones is any of them. Nakano et al. 2021,
    arXiv:2112.09332, section 3.2 (rejection sampling).
    """
    groups = scores.reshape(-1, n)
    best = groups.argmax(dim=1)
    return best + n * best.new_tensor(range(len(groups)))
