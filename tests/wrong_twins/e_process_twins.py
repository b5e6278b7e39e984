"""Mistakes about the bet against the policy, each as a mutation of one formula."""

import numpy as np

from prefloop.functional.e_process import log_wealth


def wealth_of_all_as_one(outcomes, labelers, *, start_every):
    """Every answer for itself: one labeler who dislikes the policy and answers most stops it."""
    return log_wealth(outcomes, ["all"] * len(outcomes), start_every=start_every)


def wealth_of_each_against_a_half(outcomes, labelers, *, start_every):
    """The product of the labelers' own wealth: it grows where they only differ."""
    y, who = np.asarray(outcomes), np.asarray(labelers)
    each = [y[who == name] for name in dict.fromkeys(labelers)]
    return sum(log_wealth(own, ["one"] * len(own), start_every=start_every) for own in each)


def wealth_of_the_other_side(outcomes, labelers, *, start_every):
    """Bets on the policy: the sign of 2019."""
    return log_wealth(1.0 - np.asarray(outcomes), labelers, start_every=start_every)


def wealth_with_ties_lost(outcomes, labelers, *, start_every):
    """A tie counts against the policy."""
    return log_wealth(np.floor(outcomes), labelers, start_every=start_every)


def wealth_at_every_start(outcomes, labelers, *, start_every):
    """A whole bet of 1 at each start: with many starts one of them wins by chance."""
    starts = range(0, len(outcomes), start_every or len(outcomes))
    own = [log_wealth(outcomes[s:], labelers[s:], start_every=None) for s in starts]
    return float(np.logaddexp.reduce(own))
