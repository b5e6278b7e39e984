"""The share of right answers, with an interval and a grade."""

from dataclasses import dataclass
from typing import Literal

from prefloop.figures.text import counted, percent, share_interval
from prefloop.functional.statistics import Interval, beta_bounds

Grade = Literal["pass", "fail", "not enough evidence"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of a labeler's answers to a kind of check were right."""

    n_right: int
    n: int
    interval: Interval
    """95 %, Jeffreys' prior; (0, 1) without answers."""
    grade: Grade
    message: str
    """The grade with its reason, in one sentence."""

    @property
    def value(self) -> float | None:
        """Right answers over answers; None without answers."""
        return self.n_right / self.n if self.n else None


def graded(n_right: int, n: int, *, bar: float, least: int, confidence: float, noun: str) -> Share:
    """Return the share, graded against `bar`.

    pass: at or above the bar. fail: the whole interval at `confidence` lies below it. Everything
    else, and anything with fewer than `least` answers, is "not enough evidence": nobody fails by
    bad luck.
    """
    interval = beta_bounds(n_right, n)
    written = share_interval(*interval, apart_from=(bar,))
    if n < least:
        grade: Grade = "not enough evidence"
        message = f"{counted(n, noun)}; a grade needs {least}."
    elif n_right >= bar * n:
        grade = "pass"
        message = f"{percent(n_right / n)} of {counted(n, noun)}, at or above {percent(bar)}."
    elif beta_bounds(n_right, n, confidence).high < bar:
        grade = "fail"
        message = (
            f"{percent(n_right / n)} of {counted(n, noun)} ({written}), surely below "
            f"{percent(bar)}."
        )
    else:
        grade = "not enough evidence"
        message = (
            f"{percent(n_right / n)} of {counted(n, noun)} ({written}): below "
            f"{percent(bar)}, but chance could do that."
        )
    return Share(n_right=n_right, n=n, interval=interval, grade=grade, message=message)


def in_doubt(share: Share, why: str) -> Share:
    """Return the share without its grade, for when the known answers themselves are in doubt."""
    return Share(
        n_right=share.n_right,
        n=share.n,
        interval=share.interval,
        grade="not enough evidence",
        message=why,
    )
