"""Mistakes about best of n: how far it is from the reference, and which responses are kept."""

import math

from prefloop.functional.best_of_n import best_rows


def kl_of_a_filter(n):
    """log n: the KL of keeping the best 1/n of all responses, as if all of them were known."""
    return math.log(n)


def kl_in_bits(n):
    """The logarithm to base 2 beside a term in nats."""
    return math.log2(n) - (n - 1) / n


def kl_minus_one_nth(n):
    """log n - 1/n: the share that is kept in place of the share that is thrown away."""
    return math.log(n) - 1 / n


def kl_grows_with_the_share(n):
    """The share is added: the expectation of log u has the other sign."""
    return math.log(n) + (n - 1) / n


def worst_of_n(scores, *, n):
    """The sign flip of 2019: the worst response is kept."""
    return best_rows(-scores, n=n)


def across_prompts(scores, *, n):
    """Rows taken to be prompt-minor: the best is chosen among responses to several prompts."""
    rows = scores.reshape(n, -1).argmax(dim=0)
    groups = len(rows)
    return rows * groups + rows.new_tensor(range(groups))


def within_the_group(scores, *, n):
    """The place within the group is taken for a row: all responses come from the first prompt."""
    return scores.reshape(-1, n).argmax(dim=1)


def last_of_equals(scores, *, n):
    """Of equal scores the last: a choice that depends on how the rows are sorted."""
    groups = scores.reshape(-1, n)
    best = n - 1 - groups.flip(1).argmax(dim=1)
    return best + n * best.new_tensor(range(len(groups)))
