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


def share_divergence(
    counts: Int[np.ndarray, " W"], n: int, earlier: Int[np.ndarray, " W"], n_earlier: int
) -> Float[np.ndarray, " W"]:
    """Return how far each share moved, in nats per answer.

        p log(p / q) + (1 - p) log((1 - p) / (1 - q)),  p = (counts + 1/2) / (n + 1), q likewise

    The KL divergence of the shares now from those before (Kullback and Leibler 1951, eq. 2.2), so a
    rare word that becomes common counts for more than a common one that rises as much. Whatever is
    counted, it is at most the KL of the whole answers (there, theorem 4.1), but for the halves,
    which keep it finite where no answer had it before (Jeffreys's prior).
    """
    if n <= 0 or n_earlier <= 0:
        raise ValueError(f"both sides need answers; there are {n} and {n_earlier}")
    p = (np.asarray(counts, dtype=np.float64) + 0.5) / (n + 1)
    q = (np.asarray(earlier, dtype=np.float64) + 0.5) / (n_earlier + 1)
    return np.asarray(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
