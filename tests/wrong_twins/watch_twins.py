"""Mistakes about whether a word or a score rose, each as a mutation of one formula."""

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit
from scipy.stats import binom, hypergeom

from prefloop.functional.rising_shares import rise_p_values, share_divergence
from prefloop.functional.trend import trend


def rise_beyond_the_count(counts, n, earlier, n_earlier):
    """P(X > k): what was counted does not count."""
    return hypergeom.sf(counts, n + n_earlier, counts + earlier, n)


def rise_of_the_other_side(counts, n, earlier, n_earlier):
    """Tests for a fall."""
    return rise_p_values(earlier, n_earlier, counts, n)


def rise_both_ways(counts, n, earlier, n_earlier):
    """Twice the p-value: words that fell are as good."""
    return np.minimum(1.0, 2.0 * rise_p_values(counts, n, earlier, n_earlier))


def rise_by_the_normal(counts, n, earlier, n_earlier):
    """The pooled score test: a rare word rises by chance far too often."""
    pooled = (counts + earlier) / (n + n_earlier)
    sd = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_earlier))
    return 1.0 - ndtr((counts / n - earlier / n_earlier) / sd)


def rise_with_replacement(counts, n, earlier, n_earlier):
    """Binomial at the pooled share: as if that were known."""
    return binom.sf(counts - 1, n, (counts + earlier) / (n + n_earlier))


def divergence_reversed(counts, n, earlier, n_earlier):
    """Before against now."""
    return share_divergence(earlier, n_earlier, counts, n)


def divergence_of_presence(counts, n, earlier, n_earlier):
    """Answers without it do not count."""
    p, q = (counts + 0.5) / (n + 1), (earlier + 0.5) / (n_earlier + 1)
    return p * np.log(p / q)


def divergence_in_bits(counts, n, earlier, n_earlier):
    """Logarithms to base 2."""
    return share_divergence(counts, n, earlier, n_earlier) / np.log(2)


def trend_of_the_other_side(values):
    """Near 1 what rises."""
    slope, p = trend(values)
    return slope, 1 - p


def trend_both_ways(values):
    """Twice the smaller tail: what falls rises."""
    slope, p = trend(values)
    return slope, 2 * min(p, 1 - p)


def trend_by_the_normal(values):
    """As if the errors' spread were known."""
    slope, p = trend(values)
    return slope, 1 - ndtr(-stdtrit(len(values) - 2, p))


def trend_with_all_degrees(values):
    """Intercept and slope take no degree of freedom."""
    slope, p = trend(values)
    n = len(values)
    return slope, stdtr(n, stdtrit(n - 2, p) * np.sqrt(n / (n - 2)))
