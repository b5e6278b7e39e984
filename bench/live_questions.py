"""How many answers stop a policy that people like less than the reference, and how often in vain.

Simulated: labelers whose log-odds differ, questions that go to whoever comes next.
Run: python -m bench.live_questions [RUNS]
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr

from prefloop.functional.e_process import START_EVERY, log_wealth

SPREAD = 0.5
"""Standard deviation of labelers in log-odds."""

MOST = 300
"""Answers after which a run ends."""

LEVEL = float(np.log(100))


FEW = 300
"""Runs at most of a row beside those that were asked for."""

TARGET = 60
"""Answers within which 95 of 100 runs at a true win rate of 20 % were to be stopped."""

Bet = Callable[[np.ndarray, list[int]], float]
"""The log wealth after these answers of these labelers."""


def pooled(outcomes: np.ndarray, who: list[int]) -> float:
    """Return the log wealth if all answers came from one labeler."""
    return log_wealth(outcomes, [0] * len(who))


SIMPLER: dict[str, Bet] = {
    "one start": partial(log_wealth, start_every=None),
    "labelers as one": pooled,
    "both": lambda outcomes, who: log_wealth(outcomes, [0] * len(who), start_every=None),
}
"""What the bet would be without what it also guarantees."""


def stop_of(outcomes: np.ndarray, who: list[int], bet: Bet = log_wealth) -> int | None:
    """Return after how many answers a run is stopped at 1 %; None if it is not.

    Labelers taken as one have at least as much: where that is not enough, nothing is.
    """
    for n in np.flatnonzero(most_wealth(outcomes) >= LEVEL) + 1:
        seen = outcomes[:n], who[:n]
        if (bet is not log_wealth or pooled(*seen) >= LEVEL) and bet(*seen) >= LEVEL:
            return int(n)
    return None


def most_wealth(outcomes: np.ndarray) -> np.ndarray:
    """Return after each answer what no bet has more than, as a logarithm; no tie among them.

    Labelers as one, the best start and the best share to stake, both known beforehand.
    """
    starts = np.arange(0, len(outcomes), START_EVERY)
    won = np.append(0, np.cumsum(outcomes))
    n = np.arange(1, len(outcomes) + 1)[:, None] - starts
    rate = np.clip((won[1:, None] - won[starts]) / np.maximum(n, 1), 0.0, 1.0)
    most = n * (np.log(2) - entr(rate) - entr(1 - rate))
    found: np.ndarray = np.where((n > 0) & (rate < 0.5), most, 0.0).max(axis=1)
    return found


def center_of(rate: float, rng: np.random.Generator) -> float:
    """Return the log-odds around which labelers have this mean rate."""
    lean = SPREAD * rng.normal(size=100_000)
    return float(brentq(lambda at: np.mean(1 / (1 + np.exp(-at - lean))) - rate, -9, 9))


def rates_of(rate: float, people: int, center: float, rng: np.random.Generator) -> np.ndarray:
    """Return the rates of a run's labelers; of an even rate, such that their mean is even."""
    rates = 1 / (1 + np.exp(-center - SPREAD * rng.normal(size=people)))
    return rates - rates.mean() + 0.5 if rate == 0.5 else rates


def stops(
    rate: float, people: int, runs: int, good: int = 0, bet: Bet = log_wealth
) -> list[int | None]:
    """Return after how many answers each run is stopped, where people take the policy at `rate`.

    Before that come `good` answers at a rate of 70 %.
    """
    rng = np.random.default_rng(people)
    center, found = center_of(rate, rng), []
    for _ in range(runs):
        rates = rates_of(rate, people, center, rng)
        who = rng.integers(people, size=MOST)
        chances = np.where(np.arange(MOST) < good, 0.7, rates[who])
        found.append(stop_of((rng.random(MOST) < chances).astype(float), who.tolist(), bet))
    return found


def row(rate: float, people: int, good: int, found: list[int | None]) -> str:
    """Return a row of the table."""
    known = np.array([MOST + 1 if stop is None else stop for stop in found]) - good
    median, most = np.quantile(known, [0.5, 0.95], method="higher")
    share = np.mean([stop is not None for stop in found])
    words = [f"{x}" if x + good <= MOST else "-" for x in (median, most)]
    by_target = (known <= TARGET).mean()
    return (
        f"| {rate:.0%} | {people} | {good} | {share:.1%} | {by_target:.1%} | {words[0]} | "
        f"{words[1]} |"
    )


def main() -> None:
    """Print the table of docs/audits.md, and what the bet's guarantees cost."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(
        f"| true win rate | labelers | good answers before | stopped | by {TARGET} answers ", end=""
    )
    print("| median | 95 % of runs |\n| --- | --- | --- | --- | --- | --- | --- |")
    cases = [(rate, people, 0, runs) for rate in (0.5, 0.2) for people in (1, 3, 5, 10)]
    few = min(runs, FEW)
    cases += [(0.1, 5, 0, few), (0.3, 5, 0, few), (0.2, 5, 64, few), (0.2, 20, 0, few)]
    for rate, people, good, n in cases:
        print(row(rate, people, good, stops(rate, people, n, good)), flush=True)
    for name, bet in SIMPLER.items():
        print(f"{name}: {row(0.2, 5, 0, stops(0.2, 5, runs, bet=bet))}", flush=True)


if __name__ == "__main__":
    main()
