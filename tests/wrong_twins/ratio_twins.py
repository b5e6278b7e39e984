"""Mistakes that the interval of a ratio is rebuilt with. Nothing of this is ever imported."""

from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from prefloop.functional.statistics import Interval, ratio_of_means


def unpaired(after, before, clusters):
    """The variances of two samples that have nothing to do with each other (Katz 1978)."""
    a, b = np.asarray(after), np.asarray(before)
    n = len(a)
    variance = (a.var() / a.mean() ** 2 + b.var() / b.mean() ** 2) / (n - 1)
    return _with(after, before, clusters, float(stdtrit(n - 1, 0.975)) * variance**0.5)


def on_the_ratios_own_scale(after, before, clusters):
    """Symmetric around the ratio: the lower end may fall below 0."""
    found = ratio_of_means(after, before, clusters)
    half = found.value * np.log(found.interval.high / found.value)
    return replace(found, interval=Interval(found.value - half, found.value + half))


def mean_of_the_ratios(after, before, clusters):
    """The mean of the pairs' own ratios, those without a copy before left out."""
    rows = [(a / b) for a, b in zip(after, before, strict=True) if b]
    return replace(ratio_of_means(after, before, clusters), value=float(np.mean(rows)))


def every_answer_counts(after, before, clusters):
    """Answers to one prompt as if they were answers to several."""
    return ratio_of_means(after, before, list(range(len(after))))


def _with(after, before, clusters, half):
    found = ratio_of_means(after, before, clusters)
    ends = found.value * np.exp(-half), found.value * np.exp(half)
    return replace(found, interval=Interval(*map(float, ends)))
