"""Right answers of all, with an interval and a verdict, which may be "not enough evidence"."""

from dataclasses import dataclass
from typing import Literal

from prefloop.comparisons.quality.sentences import counted, percent, span
from prefloop.functional.statistics import Interval, beta_bounds

Verdict = Literal["pass", "fail", "not enough evidence"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of a labeler's answers to a kind of check were right."""

    n_right: int
    n: int
    interval: Interval
    """95 %, Jeffreys' prior; (0, 1) without answers."""
    verdict: Verdict
    told: str
    """The verdict with its reason, in one sentence."""

    @property
    def value(self) -> float | None:
        """Right answers over answers; None without one."""
        return self.n_right / self.n if self.n else None


def judged(n_right: int, n: int, *, bar: float, least: int, confidence: float, noun: str) -> Share:
    """Return the share and whether it reaches the bar.

    pass: at the bar or above. fail: below it beyond doubt, so that the whole interval at
    `confidence` lies below. All else, and anything before `least` answers, is not enough evidence:
    a person is not failed by bad luck.
    """
    interval = beta_bounds(n_right, n)
    if n < least:
        verdict: Verdict = "not enough evidence"
        told = f"{counted(n, noun)}; a verdict needs {least}."
    elif n_right >= bar * n:
        verdict = "pass"
        told = f"{percent(n_right / n)} of {counted(n, noun)}, at or above {percent(bar)}."
    elif beta_bounds(n_right, n, confidence).high < bar:
        verdict = "fail"
        told = (
            f"{percent(n_right / n)} of {counted(n, noun)} ({span(interval)}), surely below "
            f"{percent(bar)}."
        )
    else:
        verdict = "not enough evidence"
        told = (
            f"{percent(n_right / n)} of {counted(n, noun)} ({span(interval)}): below "
            f"{percent(bar)}, but chance could do that."
        )
    return Share(n_right=n_right, n=n, interval=interval, verdict=verdict, told=told)


def in_doubt(share: Share, why: str) -> Share:
    """Return the share without its verdict, for when the measure itself is in doubt."""
    return Share(
        n_right=share.n_right,
        n=share.n,
        interval=share.interval,
        verdict="not enough evidence",
        told=why,
    )
