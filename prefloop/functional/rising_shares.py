"""Did a share rise by more than chance? Exact, one word or thousands at once."""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import hypergeom


def rise_p_values(
    counts: Int[np.ndarray, " W"], n: int, earlier: Int[np.ndarray, " W"], n_earlier: int
) -> Float[np.ndarray, " W"]:
    """Return how likely so large a count is, or a larger one, if the share is what it was.

        P(X >= counts),  X ~ hypergeometric: n of n + n_earlier answers, counts + earlier have it

    W words; `counts` of `n` answers now have each, `earlier` of `n_earlier` had it before. Fisher's
    exact test, one-sided (Fisher 1935, The Design of Experiments, ch. 2): words that stand in a few
    answers are what a normal approximation errs on. The answers are taken as independent. Many at
    once need a correction, as in `q_values`.
    """
    if n <= 0 or n_earlier <= 0:
        raise ValueError(f"both sides need answers; there are {n} and {n_earlier}")
    pairs = np.stack([np.asarray(counts), np.asarray(earlier)], axis=1)
    # Most words stand in as few answers as many others do.
    each, back = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    p = hypergeom.sf(each[:, 0] - 1, n + n_earlier, each.sum(axis=1), n)
    return np.asarray(p, dtype=np.float64)[back.reshape(-1)]
