"""Mistakes that a fitted vote is rebuilt with, each as a mutation of one formula.

A twin has the signature of the formula it stands for. Nothing of this is ever imported by the
package.
"""

import numpy as np
from scipy.special import log_ndtr, ndtr

from prefloop.functional.votes import standard_gumbel, vote_log_odds


def share_without_its_six_units(copied_share, is_verbatim, **settings):
    """The coefficient of c, 0 to 6, applied to a share of 0 to 1."""
    return vote_log_odds(copied_share / 6.0, is_verbatim, **settings)


def verbatim_in_place_of_the_share(copied_share, is_verbatim, **settings):
    """A copied sentence gets the verbatim term alone, as if the two did not add up."""
    return vote_log_odds(np.where(is_verbatim, 0.0, copied_share), is_verbatim, **settings)


def intercept_left_out(copied_share, is_verbatim, *, intercept=0.0, **settings):
    """Right differences, but no log-odds any more: a novel sentence would be a toss-up."""
    return vote_log_odds(copied_share, is_verbatim, intercept=0.0, **settings)


def gumbel_of_the_smallest(normal):
    """The distribution of minima: the largest of four no longer follows the softmax."""
    return np.log(-log_ndtr(normal))


def logistic_for_each(normal):
    """The vote's logistic noise on each sample: that of the difference, counted twice."""
    return log_ndtr(normal) - log_ndtr(-normal)


def gumbel_by_plain_cdf(normal):
    """log(Phi(z)) of a Phi that is rounded to 1: infinite from z = 8.3 on."""
    with np.errstate(divide="ignore"):
        return -np.log(-np.log(ndtr(normal)))


def gumbel_centered(normal):
    """The mean, Euler's constant, taken off: it changes no choice, but it is not the standard."""
    return standard_gumbel(normal) - np.euler_gamma


def mean_as_all(log_odds):
    """The log-odds that all hold: every further sentence costs something, true or not."""
    log_all = -float(np.logaddexp(0.0, -log_odds).sum())
    return log_all - float(np.log(-np.expm1(log_all)))


def mean_as_the_sum(log_odds):
    """The sum of log-odds: true sentences vouch for each other."""
    return float(log_odds.sum())


def mean_as_the_worst(log_odds):
    """The least of them: what else is true or false no longer counts."""
    return float(log_odds.min())
