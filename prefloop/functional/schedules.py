"""Schedules: what share of a quantity applies at a step."""

import math


def linear_decay(step: int, total: int) -> float:
    """Return 1 - step / total: 1 at the first step (0), 0 when all are done.

    Ziegler et al. 2019 (released code), for both stages of training.
    """
    return 1.0 - _progress(step, total)


def cosine_decay(step: int, total: int) -> float:
    """Return (1 + cos(pi * step / total)) / 2: 1 at the first step (0), 0 when all are done.

    Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without restarts.
    """
    return 0.5 * (1.0 + math.cos(math.pi * _progress(step, total)))


def label_budget(initial: int, total: int, fraction: float) -> int:
    """Return how many labels should exist once `fraction` of the episodes are done.

        N(f) = initial + (total - initial) * (1 - (1 - f)^2)

    Many labels early, hardly any near the end; rounded to the nearest label.
    Ziegler et al. 2019, arXiv:1909.08593, section 2.3.
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"fraction must lie between 0 and 1; got {fraction}")
    if not 0 <= initial <= total:
        raise ValueError(f"initial labels {initial} must lie between 0 and the total {total}")
    return round(initial + (total - initial) * (1.0 - (1.0 - fraction) ** 2))


def _progress(step: int, total: int) -> float:
    if not 0 <= step <= total or total == 0:
        raise ValueError(f"step {step} must lie between 0 and the total {total}, which is not 0")
    return step / total
