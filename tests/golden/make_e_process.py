"""Write e_process.json: the bet against the policy, worked out without prefloop.

One labeler: the mixture over rates below a half as an incomplete beta function, and from it the
answers that a stop needs, by exact enumeration. Several: numbers worked by hand, and the minimum
over rates by brute force, each integral by adaptive quadrature.
Run: python tests/golden/make_e_process.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.special import beta, betainc


def one_labeler(wins, losses):
    """2^(n+1) * integral over p from 0 to 1/2 of p^wins (1 - p)^losses."""
    a, b = wins + 1, losses + 1
    return 2.0 ** (wins + losses + 1) * betainc(a, b, 0.5) * beta(a, b)


def answers_needed(rate, alpha, share):
    alive, stopped, n = {0: 1.0}, 0.0, 0
    while stopped < share:
        n = n + 1
        after: dict[int, float] = {}
        for wins, mass in alive.items():
            after[wins + 1] = after.get(wins + 1, 0.0) + mass * rate
            after[wins] = after.get(wins, 0.0) + mass * (1 - rate)
        alive = {w: m for w, m in after.items() if one_labeler(w, n - w) < 1 / alpha}
        stopped = 1.0 - sum(alive.values())
    return n


def at_rates(outcomes, labelers, rates):
    def product(u):
        stakes = [
            u + (1 - u) * (1 - y) / (1 - rates[k]) for y, k in zip(outcomes, labelers, strict=True)
        ]
        return np.prod(stakes)

    return quad(product, 0, 1, epsabs=0, epsrel=1e-12)[0]


def brute_force(outcomes, labelers):
    """Two labelers with five answers or more each, or as many as each other: equal voices."""
    low, high = 0.0, 1.0
    for _ in range(5):
        grid = np.linspace(low, high, 81)[1:-1]
        values = [at_rates(outcomes, labelers, {"ann": t, "ben": 1 - t}) for t in grid]
        best, step = grid[int(np.argmin(values))], grid[1] - grid[0]
        low, high = max(0.0, best - step), min(1.0, best + step)
    return min(values)


def case(source, outcomes, labelers, wealth, start_every=None):
    labelers = labelers.split()
    return {
        "source": source,
        "outcomes": outcomes,
        "labelers": labelers,
        "start_every": start_every,
        "wealth": wealth,
    }


cases = [
    case(
        f"incomplete beta function: {wins} wins, {losses} losses",
        [1.0] * wins + [0.0] * losses,
        "ann " * (wins + losses),
        one_labeler(wins, losses),
    )
    for wins, losses in ((0, 1), (0, 9), (3, 2), (4, 20), (30, 10), (20, 60))
]
cases += [
    case("by hand: one loss each, min at a half, 7/3", [0.0, 0.0], "ann ben", 7 / 3),
    case("by hand: ann may have rate 1 and ben 0, so 1/2", [1.0, 0.0], "ann ben", 0.5),
    case("by hand: two starts' shares, 1/2 * 7/3 + 1/2", [0.0, 0.0], "ann ben", 5 / 3, 2),
    case("by hand: a tie stakes both ways, 1", [0.5], "ann", 1.0),
    case(
        "by hand: 3 losses at 1/2 (15/4), 1 later loss (3/2) with 1/4, 1/4 kept",
        [0.0] * 3,
        "ann " * 3,
        0.5 * 15 / 4 + 0.25 * 1.5 + 0.25,
        2,
    ),
]
mixed = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]
cases += [
    case("brute force over rates", mixed, "ann " * 5 + "ben " * 5, 0.0),
    case("brute force over rates", [0.0] * 6 + [1.0] * 5, "ann " * 6 + "ben " * 5, 0.0),
    case("brute force over rates, with ties", [0.0, 0.5] * 5, "ann ben " * 5, 0.0),
    case("brute force: ben leans, ann answers more", [0.0] * 14, "ann " * 8 + "ben " * 6, 0.0),
]
for one in cases:
    if one["source"].startswith("brute"):
        one["wealth"] = brute_force(one["outcomes"], one["labelers"])
rows = [
    {
        "rate": rate,
        "alpha": alpha,
        "median": answers_needed(rate, alpha, 0.5),
        "in_95_of_100": answers_needed(rate, alpha, 0.95),
    }
    for rate, alpha in ((0.2, 0.01), (0.1, 0.01), (0.05, 0.01))
]
content = {"cases": cases, "answers_needed": {"source": "exact enumeration", "rows": rows}}
Path(__file__).with_name("e_process.json").write_text(json.dumps(content, indent=1) + "\n")
