"""How people vote on whether a sentence is supported by its source, and what noise a vote has.

    log-odds(yes) = -1.0 + 0.33 c + 2.04 v

`c` is 6 times the mean share of the sentence's 2- and 3-grams that occur in the source (0 to 6),
`v` is 1 if the whole sentence stands in the source. It is a logistic regression on the votes of
QAGS (Wang, Cho, Lewis 2020, arXiv:2004.04228: workers of Mechanical Turk, "is this sentence
supported by the article?"); the verbatim term's interval is [1.58, 2.64], from a bootstrap over
articles.

A logistic regression is a choice with logistic noise, and the difference of two independent
standard Gumbel variables is logistic: whoever adds Gumbel noise to log-odds and takes the largest
chooses between two with the vote's own noise, and among k with the softmax of the log-odds
(McFadden 1974, Frontiers in Econometrics, ch. 4).
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import log_ndtr

INTERCEPT = -1.0
"""Log-odds of a sentence of which nothing is copied."""
COPIED = 0.33
"""Log-odds per unit of copied 2- and 3-grams, of which a copy has 6."""
VERBATIM = 2.04
"""What a whole copied sentence has beside them."""
COPIED_UNITS = 6.0
"""Units of a sentence that is copied whole."""


def vote_log_odds(
    copied_share: Float[np.ndarray, " N"],
    is_verbatim: Bool[np.ndarray, " N"],
    *,
    intercept: float = INTERCEPT,
    copied: float = COPIED,
    verbatim: float = VERBATIM,
) -> Float[np.ndarray, " N"]:
    """Return the log-odds that a person calls each of N sentences supported.

    `copied_share` is the mean share of copied 2- and 3-grams, 0 to 1, not yet times 6.
    """
    return intercept + copied * COPIED_UNITS * copied_share + verbatim * is_verbatim


def standard_gumbel(normal: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Return standard Gumbel variables (location 0, scale 1), one for each standard normal one.

    -log(-log(Phi(z))) keeps the order of its arguments, and has the precision of log Phi in both
    tails. Gumbel 1958, Statistics of Extremes, section 5.2.
    """
    return np.asarray(-np.log(-log_ndtr(normal)))


def mean_log_odds(log_odds: Float[np.ndarray, " N"]) -> float:
    """Return the mean log-odds of N claims: sum(log-odds) / N, with N at least 1.

    That all of them hold is less likely the more there are, so as a reward it would be a price on
    every further sentence; a mean does not hang on their number.
    """
    return float(log_odds.mean())
