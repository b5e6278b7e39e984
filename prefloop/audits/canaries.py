"""What each canary measures, and where it fails: a sound run passes, a turned sign does not.

Only a failure stops a run. What is too little to tell is `unknown`, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.audits.reward_choices import Numbers
from prefloop.figures.canary import CanaryResult, CanaryStatus, canary_result
from prefloop.figures.text import counted, fixed, number, percent, plain, signed
from prefloop.figures.trust import TrustFigures
from prefloop.functional.reward_identity import RewardWeights
from prefloop.functional.statistics import Estimate, paired_win_rate
from prefloop.policy.reward_check import RewardCheck
from prefloop.rewards.export_hash import ExportHashes

GAP = 1e-4
"""C3: largest difference of two rewards, over the largest reward or 1. float32 stays below 1e-5."""

GOLD = 100
"""C4: questions from which on it refuses. With 50, one time in 50 a reward model that is right in
65 of 100 would seem wrong, and one time in 100 the wrong one right; with 20, one in eight."""

LEAST_BAD = 10
"""C4: bad texts that end, below which they say nothing."""

LEAST_OWN = 8
"""C4: texts from which on rewards are compared with the reward model's own scores."""

SWAP = 0.05
"""C5: how far the sum may be from 1, or one pair: two scores may be equal but for rounding."""

LEAST_PAIRS = 8

NATS = 2e-3
"""C6: nats per response, for up to ROUNDED tokens and in proportion beyond. float32 alone takes
SmolLM2's two paths (a token at a time with a cache, all at once) 1.2e-4 apart in 24 tokens."""

ROUNDED_NATS = 2.0
"""C6: how far sampler and trainer may be apart where the layers compute in bfloat16, as NATS.
SmolLM2's two paths are up to 0.6 apart in 24 tokens; a temperature that is forgotten is more."""

ROUNDED = 24

SCALE = 0.01
"""C7: as the doctor has it."""

MIRROR = 0.99
"""C9: confidence of the interval that must lie below one half: one batch in 200 errs."""


@dataclass(frozen=True)
class When:
    """Where a run is when a canary is looked at."""

    round: int
    update: int

    def result(self, name: str, status: CanaryStatus, *, value: str, limit: str) -> CanaryResult:
        """Return what a canary said here."""
        return canary_result(
            name,  # type: ignore[arg-type]
            status,
            value=value,
            limit=limit,
            round_number=self.round,
            update=self.update,
        )


def reward_identity(check: RewardCheck | None, when: When) -> CanaryResult:
    """C3: the method's rewards are score - kl_coef * KL, recomputed apart from its code."""
    limit = f"a difference of {plain(GAP)} of the largest reward"
    if check is None:
        value = "the method does not say what it learns from (`response_rewards`)"
        return when.result("C3", "unknown", value=value, limit=limit)
    value = f"a difference of {number(check.gap)} in {counted(check.n, 'response')}"
    if check.weights is not None:
        value += f"; {_weights(check.weights, check.kl_coef)}"
    status: CanaryStatus = "pass" if check.gap <= GAP else "fail"
    return when.result("C3", status, value=value, limit=limit)


def _weights(weights: RewardWeights, kl_coef: float) -> str:
    return (
        f"the reward goes by {signed(weights.score)} x score and {signed(weights.kl)} x KL; it "
        f"should be +1.00 x score and {signed(-kl_coef)} x KL"
    )


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the trainer would reward known texts with, at a KL of 0."""

    credit: Numbers
    """Of each gold question: whether its chosen sample beats the other one."""
    prompts: tuple[str, ...]
    """The prompt of each gold question."""
    bad: Numbers
    """Rewards of the bad texts that end."""
    median: float | None
    """Of the reference's samples; None without any."""
    agrees: float | None
    """Correlation of rewards with the reward model's own scores; None where it has too little to
    tell, or where nobody's labels are followed."""


def gold_and_bad_texts(probed: Probed, when: When) -> CanaryResult:
    """C4: chosen samples are rewarded above the others, bad texts are not all rewarded above most.

    It fails where rewards run against the reward model's own scores; and with GOLD questions or
    more, where the chosen samples surely lose, or do not surely win while every bad text beats the
    median of the reference's samples. A single bad text that does is no reason: sound reward models
    of small runs let many (docs/audits.md), and the audit of the reward model has them one by one.
    """
    n, n_bad = len(probed.credit), len(probed.bad)
    limit = (
        f"with {GOLD} questions or more, the chosen sample surely loses; or does not surely win "
        "while every bad text beats the reference's median; or rewards that fall where the reward "
        "model's scores rise"
    )
    beats = 0 if probed.median is None else int((probed.bad > probed.median).sum())
    value = f"{beats} of {n_bad} bad texts beat the median of the reference's samples"
    if probed.agrees is not None:
        value += f"; correlation with the reward model's own scores {fixed(probed.agrees)}"
        if probed.agrees <= 0:
            return when.result("C4", "fail", value=value, limit=limit)
    rate = paired_win_rate(probed.credit, probed.prompts)
    value = f"{_share(rate)} of the pairs of {counted(n, 'gold question')}; {value}"
    if n < GOLD:
        value += f"; too small to refuse: {n} of the {GOLD} questions that takes"
        return when.result("C4", "unknown", value=value, limit=limit)
    all_bad = n_bad >= LEAST_BAD and beats == n_bad
    is_wrong = rate.interval.high < 0.5 or (rate.interval.low <= 0.5 and all_bad)
    status: CanaryStatus = "fail" if is_wrong else "pass" if rate.interval.low > 0.5 else "unknown"
    return when.result("C4", status, value=value, limit=limit)


def nothing_to_probe(when: When) -> CanaryResult:
    """C4 where no validation label names a best sample, or the policy follows no labels."""
    value = "no gold question: no validation label says how the reward should be"
    return when.result("C4", "unknown", value=value, limit=f"{GOLD} gold questions")


def swap(accuracy: float, swapped: float, n: int, when: When) -> CanaryResult:
    """C5: accuracies of the pairs and of the same pairs swapped add up to 1, ties shared."""
    limit = max(SWAP, 1.5 / max(n, 1))
    if n < LEAST_PAIRS:
        value, limit_text = counted(n, "pair"), f"{LEAST_PAIRS} pairs of validation labels"
        return when.result("C5", "unknown", value=value, limit=limit_text)
    value = f"{percent(accuracy)} + {percent(swapped)} on {counted(n, 'pair')}"
    status: CanaryStatus = "pass" if abs(accuracy + swapped - 1.0) <= limit else "fail"
    return when.result("C5", status, value=value, limit=f"a sum within {number(limit)} of 1")


def log_probabilities(
    kl: Numbers | None, apart: Numbers, n_tokens: int, when: When, *, is_rounded: bool = False
) -> CanaryResult:
    """C6: before the first update each response has a KL of 0, and at every start the trainer's
    log-probability of what was just sampled is the sampler's.

    `kl` and `apart` hold one number per response, in nats; `kl` is None after the first update.
    `is_rounded`: the layers compute in bfloat16.
    """
    share = max(1.0, n_tokens / ROUNDED)
    limit, limit_apart = NATS * share, (ROUNDED_NATS if is_rounded else NATS) * share
    apart_most = float(np.abs(apart).max())
    value = f"sampler and trainer are up to {number(apart_most)} nats apart"
    if kl is not None:
        value = f"a KL of up to {number(float(np.abs(kl).max()))} nats before any update; {value}"
    value += f" ({counted(len(apart), 'response')})"
    kl_most = 0.0 if kl is None else float(np.abs(kl).max())
    is_sound = apart_most <= limit_apart and kl_most <= limit
    said = f"{number(limit)} nats a response"
    if is_rounded:
        said = f"a KL of {said}, and {number(limit_apart)} between the two"
    return when.result("C6", "pass" if is_sound else "fail", value=value, limit=said)


def normalization(trust: TrustFigures, when: When) -> CanaryResult:
    """C7: the reference's samples score 0 in the mean, with standard deviation 1."""
    mean, spread = trust.reference_mean, trust.reference_std
    value = f"mean {fixed(mean, 4)}, standard deviation {fixed(spread, 4)}"
    is_off = abs(mean) > SCALE or abs(spread - 1.0) > SCALE
    limit = f"within {plain(SCALE)} of 0 and 1"
    return when.result("C7", "fail" if is_off else "pass", value=value, limit=limit)


def agreement(credit: Numbers, prompts: Sequence[str], when: When) -> CanaryResult:
    """C9: new labels do not surely contradict the reward model that was trained before them.

    `credit` is that of each new question. Beyond chance is a pass; surely below is a mirror image.
    """
    limit = "not surely below 50 %"
    if len(credit) == 0:
        value = "no new label names a best sample"
        return when.result("C9", "unknown", value=value, limit=limit)
    rate = paired_win_rate(credit, list(prompts), MIRROR)
    value = f"{_share(rate)} of the pairs of {counted(rate.n, 'new label question')}"
    low, high = rate.interval
    status: CanaryStatus = "fail" if high < 0.5 else "pass" if low > 0.5 else "unknown"
    return when.result("C9", status, value=value, limit=limit)


def export(found: ExportHashes, when: When) -> CanaryResult:
    """C8: hashes of what was chosen, from the store's labels and from the trainer's tensors."""
    value = (
        f"{found.in_trainer[:12]} in the trainer, {found.in_store[:12]} in the store, "
        f"{counted(found.n, found.what)}"
    )
    status: CanaryStatus = "pass" if found.in_store == found.in_trainer else "fail"
    return when.result("C8", status, value=value, limit="the same hash")


def _share(rate: Estimate) -> str:
    low, high = rate.interval
    return f"the chosen sample wins {percent(rate.value)} ({percent(low)} to {percent(high)})"


def pair_credit(values: ArrayLike) -> Numbers:
    """Return for each chosen sample, with the other one behind it, whether it has more.

    >>> pair_credit([2.0, 1.0, 1.0, 1.0, 0.0, 1.0]).tolist()
    [1.0, 0.5, 0.0]
    """
    chosen, other = np.asarray(values, dtype=float).reshape(-1, 2).T
    return np.asarray((chosen > other) + 0.5 * (chosen == other))
