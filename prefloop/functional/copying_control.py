"""Is a system more accurate than copying as much would make it?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prefloop.functional.statistics import Estimate, Groups, Values, clustered_mean


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a system copies and how accurate it is, each of shape (n,): one entry an article."""

    copied: Values
    accurate: Values


def accuracy_above_control(
    system: Measured,
    start: Measured,
    copies: Measured,
    clusters: Groups,
    confidence: float = 0.95,
    *,
    repeats: Groups | None = None,
) -> Estimate | None:
    """Return how much more accurate a system is than a control that copies as much.

        w       = (c - c0) / (c1 - c0),  at least 0        c: mean share copied, a: mean accuracy
        control = (1 - w) a0 + w a1                        0: the start,  1: copies
        above   = a - control

    The control hands out a copy with probability w and else what the start wrote, so it learned
    nothing. It is that of Ladhak et al. 2022 (arXiv:2108.13684, section 4), whose control is a
    model trained on ever more extractive references, with a mixture in its place. A system that
    copies less than the start is held against the start.

    The interval is that of `clustered_mean` over u_i = a_i - (1 - w) a0_i - w a1_i
    - s (c_i - (1 - w) c0_i - w c1_i), s = (a1 - a0) / (c1 - c0): the delta method, so it knows
    that w is estimated on the same articles. At w = 0, s is 0.

    Whoever copies everything is the copies, with an interval of no width. None where `copies` do
    not copy more than the start, or the system copies more than they do.
    """
    c, a = _arrays(system)
    c0, a0 = _arrays(start)
    c1, a1 = _arrays(copies)
    room = float(c1.mean() - c0.mean())
    if room <= 0 or c.mean() > c1.mean():
        return None
    w = max(float(c.mean() - c0.mean()) / room, 0.0)
    slope = float(a1.mean() - a0.mean()) / room if w > 0 else 0.0
    above = a - (1 - w) * a0 - w * a1
    # Its mean is 0 where w is not cut off, so it widens the interval and moves nothing.
    matched = c - (1 - w) * c0 - w * c1
    return clustered_mean(above - slope * matched, clusters, confidence, repeats=repeats)


def _arrays(measured: Measured) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return np.asarray(measured.copied, dtype=float), np.asarray(measured.accurate, dtype=float)
