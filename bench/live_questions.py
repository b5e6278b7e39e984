"""How many answers stop a policy that people like less than the reference, and how often in vain.

Simulated: labelers whose log-odds differ, questions that go to whoever comes next.
Run: python -m bench.live_questions [RUNS]
"""

import sys

import numpy as np
from scipy.optimize import brentq

from prefloop.functional.e_process import log_wealth

SPREAD = 0.5
"""Standard deviation of labelers in log-odds."""

MOST = 300
"""Answers after which a run ends."""

LEVEL = float(np.log(100))


def stop_of(outcomes: np.ndarray, who: list[int]) -> int | None:
    """Return after how many answers a run is stopped at 1 %; None if it is not.

    Labelers taken as one have at least as much: where that is not enough, nothing is.
    """
    for n in range(7, len(outcomes) + 1):
        can = log_wealth(outcomes[:n], [0] * n) >= LEVEL
        if can and log_wealth(outcomes[:n], who[:n]) >= LEVEL:
            return n
    return None


def center_of(rate: float, rng: np.random.Generator) -> float:
    """Return the log-odds around which labelers have this mean rate."""
    lean = SPREAD * rng.normal(size=100_000)
    return float(brentq(lambda at: np.mean(1 / (1 + np.exp(-at - lean))) - rate, -9, 9))


def rates_of(rate: float, people: int, center: float, rng: np.random.Generator) -> np.ndarray:
    """Return the rates of a run's labelers; of an even rate, such that their mean is even."""
    rates = 1 / (1 + np.exp(-center - SPREAD * rng.normal(size=people)))
    return rates - rates.mean() + 0.5 if rate == 0.5 else rates


def simulate(rate: float, people: int, runs: int, good: int = 0) -> str:
    """Return a row: after `good` answers at a rate of 70 %, people take the policy at `rate`."""
    rng = np.random.default_rng(people)
    center, stops = center_of(rate, rng), []
    for _ in range(runs):
        rates = rates_of(rate, people, center, rng)
        who = rng.integers(people, size=MOST)
        chances = np.where(np.arange(MOST) < good, 0.7, rates[who])
        stops.append(stop_of((rng.random(MOST) < chances).astype(float), who.tolist()))
    known = np.array([MOST + 1 if stop is None else stop for stop in stops]) - good
    median, most = np.quantile(known, [0.5, 0.95], method="higher")
    share = np.mean([stop is not None for stop in stops])
    words = [f"{x}" if x + good <= MOST else "-" for x in (median, most)]
    return f"| {rate:.0%} | {people} | {good} | {share:.1%} | {words[0]} | {words[1]} |"


def main() -> None:
    """Print the table of docs/audits.md."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print("| true win rate | labelers | good answers before | stopped | median | 95 % of runs |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows = [(rate, people, 0) for rate in (0.2, 0.1) for people in (1, 3, 5, 10, 20)]
    rows += [(0.2, 5, 64), (0.3, 5, 0), (0.5, 3, 0), (0.5, 10, 0)]
    for rate, people, good in rows:
        print(simulate(rate, people, runs, good), flush=True)


if __name__ == "__main__":
    main()
