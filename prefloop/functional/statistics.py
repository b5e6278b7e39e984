"""Intervals that say how far a figure can be trusted, and who was taken into account.

Everything here is plain NumPy: the labeling server and the report load it without torch.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri, stdtrit
from scipy.stats import false_discovery_control

Values = Sequence[int | float] | npt.NDArray[Any]
"""Numbers, one per observation."""

Groups = Sequence[Hashable] | npt.NDArray[np.int64]
"""The name or number of each observation's group."""


class Interval(NamedTuple):
    """A confidence interval; both ends belong to it."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean with its interval, what it rests on, and in words how it was made."""

    value: float
    interval: Interval
    confidence: float
    n: int
    """Observations."""
    n_clusters: int
    """Independent groups of observations, such as prompts."""
    how: str
    """One sentence part: which interval, and what it takes into account."""


def wilson(successes: int | float, n: int | float, confidence: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion of independent observations.

        center = (p + z^2 / 2n) / (1 + z^2 / n)
        half   = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)

    Half successes (ties) are allowed. Without observations nothing is known: (0, 1).
    Wilson 1927, JASA 22:209-212.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes {successes} must lie between 0 and n {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    return _score_interval(successes / n, n, float(ndtri(0.5 + confidence / 2)))


def _score_interval(p: float, n: int | float, z: float) -> Interval:
    """Return Wilson's interval of a share p of n observations, which need not be a whole number."""
    scale = 1 + z**2 / n
    center = (p + z**2 / (2 * n)) / scale
    half = z / scale * float(np.sqrt(max(p * (1 - p), 0.0) / n + z**2 / (4 * n**2)))
    # At p = 0 and p = 1 the exact end is p itself; rounding must not move it.
    low = 0.0 if p <= 0 else max(0.0, center - half)
    high = 1.0 if p >= 1 else min(1.0, center + half)
    return Interval(low, high)


def detectable_share(
    n: int, *, power: float, against: float = 0.5, confidence: float = 0.95
) -> float | None:
    """Return the least share that Wilson's interval of n observations finds above `against`.

        k = least count whose interval lies above `against`
        P(at least k of n | share) = power,   share = quantile `power` of Beta(k, n - k + 1)

    None if n is so small that not even n of n are enough. The other way round, with ties, and with
    people who differ, it is `power.questions_needed`: there a normal distribution stands for the
    binomial one, so the two agree but for a few questions in a hundred.
    """
    counts = (k for k in range(n + 1) if wilson(k, n, confidence).low > against)
    k = next(counts, None)
    return None if k is None else float(betaincinv(k, n - k + 1, power))


def beta_bounds(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return the bounds that hold a proportion with this probability, by Jeffreys' prior.

        p | data ~ Beta(successes + 1/2, n - successes + 1/2),  equal tails

    At 0 and n successes the end is 0 or 1 itself. Without observations: (0, 1).
    Brown, Cai, DasGupta 2001, Statistical Science 16:101-133.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes {successes} must lie between 0 and n {n}")
    tail = (1 - confidence) / 2
    a, b = successes + 0.5, n - successes + 0.5
    low = 0.0 if successes == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if successes == n else float(betaincinv(a, b, 1 - tail))
    return Interval(low, high)


def q_values(p_values: Values) -> npt.NDArray[np.float64]:
    """Return for each p-value the false discovery rate if it and all smaller ones are rejected.

        q_(i) = min over j >= i of m p_(j) / j,   at most 1

    Benjamini and Hochberg 1995, JRSS B 57:289-300.
    """
    p = np.asarray(p_values, dtype=float)
    if p.size == 0:
        return p
    return np.asarray(false_discovery_control(p, method="bh"), dtype=float)


def paired_win_rate(
    outcomes: Values,
    clusters: Groups,
    confidence: float = 0.95,
    *,
    labelers: Groups | None = None,
) -> Estimate:
    """Return the mean of outcomes in 0..1 with an interval that knows who and what repeats.

        V          = sum_g (sum_{i in g} (y_i - mean))^2 / n^2                    over prompts g
        V(two-way) = V_prompt + V_labeler - V_cell,  never below either alone

    A win counts 1, a tie 0.5, a loss 0. The interval is that of `share_estimate`. With labelers
    every sum is scaled by G / (G - 1), with (smallest number of groups - 1) degrees of freedom.
    Cameron, Gelbach, Miller 2011, JBES 29:238-249, eq. 2.5.
    """
    y = np.asarray(outcomes, dtype=float)
    if len(y) == 0:
        raise ValueError("a win rate needs at least one outcome")
    prompt = _codes(clusters, len(y))
    spread = _spread(y, prompt, labelers)
    n_prompts = int(prompt.max()) + 1
    return share_estimate(
        float(y.mean()), spread, n=len(y), n_clusters=n_prompts, confidence=confidence
    )


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The variance of a mean, and what it took into account."""

    variance: float
    degrees: int | float
    """Degrees of freedom behind it; infinite where the groups are taken to be many."""
    how: str


def share_estimate(
    mean: float, spread: Spread, *, n: int, n_clusters: int, confidence: float = 0.95
) -> Estimate:
    """Return a share with the Wilson interval at the effective sample size of its clusters.

        A = n^2 V (t / z)^2,   B = n mean (1 - mean),   m = n / n_clusters,   k = z^2 / 4
        design effect = max(A / B, (A + k m) / (B + k)),   effective n = n / design effect

    z is the normal quantile, t Student's with the degrees of freedom behind V.

    Beside 0 and 1 hardly anything varies, and V says little: the design effect is drawn towards m,
    that of clusters in which all outcomes agree, with the weight of k. Independent wins and losses
    give Wilson's own interval, whatever k; n ties give one as narrow as Tango's score interval of
    paired differences (1998, Stat. Med. 17:891-908). No end lies nearer to 0 or 1 than it would if
    all outcomes of these clusters had agreed: one loss never looks better than none. One cluster
    counts as one observation.
    Korn and Graubard 1998, Survey Methodology 24:193-201 (effective n, with t / z); Dean and Pagano
    2015, J. Surv. Stat. Methodol. 3:484-503 (Wilson's interval at it).
    """
    z = float(ndtri(0.5 + confidence / 2))
    t = z if np.isinf(spread.degrees) else float(stdtrit(spread.degrees, 0.5 + confidence / 2))
    bernoulli, seen, weight = n * mean * (1 - mean), n**2 * spread.variance * (t / z) ** 2, z**2 / 4
    effect = (seen + weight * n / n_clusters) / (bernoulli + weight)
    if bernoulli > 0:
        effect = max(effect, seen / bernoulli)
    low, high = _score_interval(mean, n / effect if n_clusters > 1 else 1.0, z)
    surest = _score_interval(1.0, n_clusters, z).low
    return Estimate(
        value=mean,
        interval=Interval(min(low, surest), max(high, 1 - surest)),
        confidence=confidence,
        n=n,
        n_clusters=n_clusters,
        how=f"Wilson interval at the effective sample size, {spread.how}",
    )


def _scaled(spread: Spread, groups: int) -> Spread:
    """Return a spread by prompts alone with G / (G - 1) and its degrees; any other as it is."""
    if np.isfinite(spread.degrees) or groups < 2:
        return spread
    variance = spread.variance * groups / (groups - 1)
    return Spread(variance=variance, degrees=groups - 1, how=spread.how)


def clustered_mean(
    values: Values,
    clusters: Groups,
    confidence: float = 0.95,
    *,
    repeats: Groups | None = None,
) -> Estimate:
    """Return a mean of any numbers with Student's interval, clustered as in `paired_win_rate`.

    `repeats` are a second grouping, such as seeds, as in `ratio_of_means`. With one cluster nothing
    is known about the spread: the interval is unbounded.
    """
    y = np.asarray(values, dtype=float)
    if len(y) == 0:
        raise ValueError("a mean needs at least one value")
    codes = _codes(clusters, len(y))
    groups = int(codes.max()) + 1
    mean = float(y.mean())
    spread = _scaled(_spread(y, codes, repeats), groups)
    half = float("inf")
    if groups > 1:
        half = float(stdtrit(spread.degrees, 0.5 + confidence / 2)) * spread.variance**0.5
    return Estimate(
        value=mean,
        interval=Interval(mean - half, mean + half),
        confidence=confidence,
        n=len(y),
        n_clusters=groups,
        how=f"Student's t interval, {spread.how}",
    )


def ratio_of_means(
    after: Values,
    before: Values,
    clusters: Groups,
    confidence: float = 0.95,
    *,
    repeats: Groups | None = None,
) -> Estimate:
    """Return mean(after) / mean(before) of pairs, with an interval made on the log scale.

        u_i = after_i / mean(after) - before_i / mean(before)
        log ratio +- t sqrt(V),   V the variance of mean(u), clustered as in `paired_win_rate`

    `repeats` are a second grouping, such as seeds, for which V is two-way. Without them V is scaled
    by G / (G - 1) for G clusters, and t has G - 1 degrees of freedom. Of binary pairs it is, but
    for that scale, the delta method's (n10 + n01) / (n1. n.1). ValueError where either mean is not
    above 0. Cochran 1977, Sampling Techniques, section 6.3; Agresti 2013, Categorical Data
    Analysis, section 11.1.
    """
    a, b = np.asarray(after, dtype=float), np.asarray(before, dtype=float)
    if len(a) == 0 or a.mean() <= 0 or b.mean() <= 0:
        raise ValueError("a ratio needs both means above 0")
    ratio = float(a.mean() / b.mean())
    u = a / a.mean() - b / b.mean()
    prompt = _codes(clusters, len(u))
    groups = int(prompt.max()) + 1
    spread = _scaled(_spread(u, prompt, repeats), groups)
    half = float("inf")
    if groups > 1:
        half = float(stdtrit(spread.degrees, 0.5 + confidence / 2)) * spread.variance**0.5
    return Estimate(
        value=ratio,
        interval=Interval(ratio * float(np.exp(-half)), ratio * float(np.exp(half))),
        confidence=confidence,
        n=len(u),
        n_clusters=groups,
        how=f"delta method on the log of the ratio, {spread.how}",
    )


def _codes(names: Groups, n: int) -> npt.NDArray[np.int64]:
    """Number the groups from 0."""
    if len(names) != n:
        raise ValueError(f"{n} outcomes but {len(names)} group names")
    if isinstance(names, np.ndarray):
        return np.unique(names, return_inverse=True)[1]
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _cluster_variance(y: npt.NDArray[np.float64], codes: npt.NDArray[np.int64]) -> float:
    """Return the cluster-robust variance of the mean; 0 where there is only one cluster."""
    groups = int(codes.max()) + 1
    if groups < 2:
        return 0.0
    sums = np.bincount(codes, weights=y - y.mean())
    return float(groups / (groups - 1) * (sums**2).sum() / len(y) ** 2)


def _spread(
    y: npt.NDArray[np.float64],
    prompt: npt.NDArray[np.int64],
    labelers: Groups | None,
) -> Spread:
    """Return the variance of the mean, and what it took into account."""
    n_prompts = int(prompt.max()) + 1
    v_prompt = _cluster_variance(y, prompt)
    labeler = np.zeros_like(prompt) if labelers is None else _codes(labelers, len(y))
    n_labelers = int(labeler.max()) + 1
    if n_labelers == 1:
        how = "clustered by prompt"
        if labelers is not None:
            how += "; for this labeler only"
        unscaled = v_prompt * (n_prompts - 1) / n_prompts
        return Spread(variance=unscaled, degrees=float("inf"), how=how)
    cell = _codes(prompt * n_labelers + labeler, len(y))
    v_labeler = _cluster_variance(y, labeler)
    v_two = v_prompt + v_labeler - _cluster_variance(y, cell)
    how = "clustered by prompt and labeler"
    if n_labelers < 5:
        how += "; for these labelers only"
    degrees = max(min(n_prompts, n_labelers) - 1, 1)
    return Spread(variance=max(v_two, v_prompt, v_labeler), degrees=degrees, how=how)
