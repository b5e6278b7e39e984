"""How many questions a judging needs before a difference of a given size can be shown."""

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit


@dataclass(frozen=True, kw_only=True)
class ExpectedJudging:
    """Who judges what, as far as it bears on the number of questions."""

    win_rate: float
    """Expected share of wins of one answer; a tie is half a win."""
    tie_share: float = 0.0
    people: int | None = None
    """How many share the work; None: so many that it does not matter who they are."""
    spread: float = 0.3
    """How people differ in what they lean to: standard deviation in log-odds."""
    answers: int = 1
    """People who answer each question: 1, or 3 of whom the majority decides."""
    agreement: float = 0.7
    """How often two people give the same answer to one question, ties aside."""


def questions_needed(
    judging: ExpectedJudging, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """Return the number of questions with which a true difference from 1/2 is shown this often.

        n      = (1 - rho) / (1 / n_free - rho / L)
        n_free = ((q_a sd_0 + q_b sd_1) / (p - 1/2))^2
        sd_0^2 = 1/4 - t/4,   sd_1^2 = p (1 - p) - t/4
        rho    = w (1 - w) spread^2,   times (3 (1 - A))^2 for a majority of three

    With w the win rate of one answer and p that of the outcomes (`judged_rate`), t the share of
    ties, L people, and rho the share of an outcome's variance that is a person's.
    q_a and q_b are quantiles of a normal distribution, or of Student's t with L - 1 degrees of
    freedom as in the interval. Where rho / L is no less than 1 / n_free no number of questions is
    enough: None, ask more people. `confidence` is that of the last look. Without people and ties
    this is the sample size of a proportion: Fleiss, Levin, Paik 2003, section 2.5; with clusters:
    Donner and Klar 2000, section 5.2. The other way round, from a number of questions that one
    judge answers: `statistics.detectable_share`, which is exact.
    """
    p = judged_rate(judging)
    _check(judging, p, power, confidence)
    sd_null = math.sqrt((1 - judging.tie_share) / 4)
    sd_true = math.sqrt(max(0.0, p * (1 - p) - judging.tie_share / 4))
    tail = 0.5 + confidence / 2
    if judging.people is None:
        sure, found = float(ndtri(tail)), float(ndtri(power))
    else:
        freedom = judging.people - 1
        sure, found = float(stdtrit(freedom, tail)), float(stdtrit(freedom, power))
    ratio = (sure * sd_null + found * sd_true) / (p - 0.5)
    free = ratio * ratio
    if judging.people is None:
        return free
    rho = _person_share(judging)
    left = 1 / free - rho / judging.people if free else math.inf
    return (1 - rho) / left if left > 0 else None


def _check(judging: ExpectedJudging, rate: float, power: float, confidence: float) -> None:
    problems = []
    if rate == 0.5 or not 0 < judging.win_rate < 1:
        problems.append(f"win_rate {judging.win_rate} must lie between 0 and 1, and not be 1/2")
    if not 0 <= judging.tie_share <= 2 * min(judging.win_rate, 1 - judging.win_rate):
        problems.append(f"tie_share {judging.tie_share} leaves no room for the win rate")
    if judging.people is not None and judging.people < 2:
        problems.append(f"people {judging.people} must be 2 or more: one stands for nobody else")
    if not 0 <= judging.agreement <= 1:
        problems.append(f"agreement {judging.agreement} must lie between 0 and 1")
    if not 0 <= judging.spread < math.inf:
        problems.append(f"spread {judging.spread} must be a finite number from 0")
    if judging.answers not in (1, 3):
        problems.append(f"answers {judging.answers} must be 1 or 3")
    if not (0 < power < 1 and 0 < confidence < 1):
        problems.append(f"power {power} and confidence {confidence} must lie between 0 and 1")
    if problems:
        raise ValueError("; ".join(problems))


def _person_share(judging: ExpectedJudging) -> float:
    """Return the share of an outcome's variance that is a person's.

    Who moves one of three votes moves the majority where the other two differ: 1 - A of the time.
    """
    share = judging.win_rate * (1 - judging.win_rate) * judging.spread**2
    return share if judging.answers == 1 else share * (3 * (1 - judging.agreement)) ** 2


def judged_rate(judging: ExpectedJudging) -> float:
    """Return the win rate of the outcomes: of one answer each, or of majorities of three.

        q ~ Beta with mean d and intraclass correlation r = 1 - (1 - A) / (2 d (1 - d))
        majority: E[3 q^2 - 2 q^3],   d = (p - t/2) / (1 - t)

    A is the agreement of two answers and d the win rate without ties, whose share t is taken to
    stay. Questions that people agree on are decided by any one of them; a majority helps with the
    others. Where A is less than chance, d^2 + (1 - d)^2, answers are taken as independent.
    """
    if judging.answers == 1 or judging.tie_share >= 1:
        return judging.win_rate
    ties = judging.tie_share
    d = (judging.win_rate - ties / 2) / (1 - ties)
    if not 0 < d < 1:
        return judging.win_rate
    r = max(0.0, 1 - (1 - judging.agreement) / (2 * d * (1 - d)))
    square = d * (d + r * (1 - d))
    cube = square * (d * (1 - r) + 2 * r) / (1 + r)
    return (3 * square - 2 * cube) * (1 - ties) + ties / 2
