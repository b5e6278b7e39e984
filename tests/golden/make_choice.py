"""Write choice.json: the choice model and the exact looks, from SciPy and from plain loops.

Nothing here imports prefloop. The likelihood is written out answer by answer and maximized by a
general optimizer; derivatives are its finite differences, so no line is shared with the package.
    python tests/golden/make_choice.py
"""

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.stats import binom
from scipy.stats import t as student_t

rng = np.random.default_rng(414)
cases: list[dict] = []


def case(function, source, inputs, outputs, tolerance="FP64"):
    cases.append(
        {
            "function": function,
            "source": source,
            "inputs": inputs,
            "outputs": [float(x) for x in outputs],
            "tolerance": tolerance,
        }
    )


def log_likelihood(answers, b, ridge=0.0):
    """Return sum t log P less the penalty; an answer is a list of (features, target)."""
    total = -ridge / 2 * sum(x * x for x in b)
    for answer in answers:
        etas = [sum(x * y for x, y in zip(features, b, strict=True)) for features, _ in answer]
        largest = max(etas)
        norm = largest + math.log(sum(math.exp(eta - largest) for eta in etas))
        total += sum(t * (eta - norm) for eta, (_, t) in zip(etas, answer, strict=True))
    return total


def fitted(answers, ridge):
    """Return the maximum by BFGS, polished by Nelder and Mead."""
    n = len(answers[0][0][0])
    first = minimize(lambda b: -log_likelihood(answers, b, ridge), np.zeros(n), tol=1e-12)
    options = {"xatol": 1e-12, "fatol": 1e-15, "maxiter": 20000, "maxfev": 20000}
    found = minimize(
        lambda b: -log_likelihood(answers, b, ridge),
        first.x,
        method="Nelder-Mead",
        options=options,
    )
    return found.x


def gradient(answers, b, h=1e-5):
    """Return the derivative by differences of fourth order."""
    found = []
    for j in range(len(b)):
        e = np.eye(len(b))[j] * h
        near = log_likelihood(answers, b + e) - log_likelihood(answers, b - e)
        far = log_likelihood(answers, b + 2 * e) - log_likelihood(answers, b - 2 * e)
        found.append((8 * near - far) / (12 * h))
    return np.array(found)


def hessian(answers, b, ridge, h=1e-3):
    """Return minus the second derivative, by differences of the gradient of fourth order."""
    rows = []
    for j in range(len(b)):
        e = np.eye(len(b))[j] * h
        near = gradient(answers, b + e) - gradient(answers, b - e)
        far = gradient(answers, b + 2 * e) - gradient(answers, b - 2 * e)
        rows.append(-(8 * near - far) / (12 * h))
    return np.array(rows) + ridge * np.eye(len(b))


def inputs_of(answers, **more):
    sizes = [len(answer) for answer in answers]
    return {
        "features": [list(map(float, f)) for answer in answers for f, _ in answer],
        "targets": [float(t) for answer in answers for _, t in answer],
        "starts": [sum(sizes[:i]) for i in range(len(sizes))],
        **more,
    }


def drawn(n, weights, sizes=(2, 3, 4), ties=0.1):
    """Return answers of labelers with these weights, some of them ties."""
    answers = []
    for _ in range(n):
        k = int(rng.choice(sizes))
        features = rng.normal(size=(k, len(weights))).round(3)
        likes = features @ np.array(weights) + rng.gumbel(size=k)
        best = int(np.argmax(likes))
        is_tie = rng.random() < ties
        targets = [1 / k if is_tie else float(i == best) for i in range(k)]
        answers.append([(features[i].tolist(), targets[i]) for i in range(k)])
    return answers


# Standardizing: two answers, by hand.
case(
    "standardize",
    "by hand: within answers -1, 1 and -3, 0, 3: unit sqrt(20 / 5) = 2; the second differs only "
    "between answers",
    {"features": [[4, 7], [6, 7], [0, 1], [3, 1], [6, 1]], "starts": [0, 2]},
    [2, 7, 3, 7, 0, 1, 1.5, 1, 3, 1, 2, 0],
)

# Fits.
pair = [[([1.0], 1.0), ([0.0], 0.0)]] * 3 + [[([1.0], 0.0), ([0.0], 1.0)]]
case(
    "fit_choice_model",
    "by hand: between two samples it is Bradley-Terry; 3 of 4 give log 3 without a penalty",
    inputs_of(pair, ridge=0.0),
    [math.log(3)],
    "FP32",
)
tied = [[([1.0], 0.5), ([0.0], 0.5)]] * 2 + [[([1.0], 1.0), ([0.0], 0.0)]] * 2
case(
    "fit_choice_model",
    "by hand: two wins and two ties are three wins of four",
    inputs_of(tied, ridge=0.0),
    [math.log(3)],
    "FP32",
)
SCIPY = "SciPy, minimize of the likelihood written out answer by answer"
sixty = drawn(60, [0.8, -0.4])
for ridge in (0.0, 1.0, 5.0):
    case(
        "fit_choice_model",
        f"{SCIPY}; {len(sixty)} answers among 2 to 4, some of them ties",
        inputs_of(sixty, ridge=ridge),
        fitted(sixty, ridge),
        "FP32",
    )

# Intervals.


def sandwich(answers, b, inverse, groups):
    names = sorted(set(groups))
    meat = np.zeros((len(b), len(b)))
    for name in names:
        own = [a for a, g in zip(answers, groups, strict=True) if g == name]
        s = gradient(own, b)
        meat += np.outer(s, s)
    return np.diag(inverse @ meat @ inverse) * len(names) / (len(names) - 1)


def leaving_out(answers, b, ridge, groups):
    names = sorted(set(groups))
    total = np.zeros(len(b))
    for name in names:
        own = [a for a, g in zip(answers, groups, strict=True) if g == name]
        others = [a for a, g in zip(answers, groups, strict=True) if g != name]
        total += np.linalg.solve(hessian(others, b, ridge), gradient(own, b)) ** 2
    return total * (len(names) - 1) / len(names)


def intervals(answers, labelers, questions, ridge=1.0, confidence=0.95):
    b = fitted(answers, ridge)
    inverse = np.linalg.inv(hessian(answers, b, ridge))
    variance = sandwich(answers, b, inverse, questions)
    degrees = len(set(questions)) - 1
    if len(set(labelers)) >= 5:
        own = leaving_out(answers, b, ridge, labelers)
        one = sandwich(answers, b, inverse, list(range(len(answers))))
        variance = np.maximum(np.maximum(variance, own), variance + own - one)
        degrees = len(set(labelers)) - 1
    half = student_t.ppf(0.5 + confidence / 2, degrees) * np.sqrt(variance)
    return [x for value, width in zip(b, half, strict=True) for x in (value - width, value + width)]


labelers = [int(x) for x in rng.integers(6, size=60)]
questions = [i // 2 for i in range(60)]
case(
    "coefficient_estimates",
    "SciPy and finite differences: six labelers left out in turn, questions answered twice",
    inputs_of(sixty, labeler=labelers, question=questions, confidence=0.95),
    intervals(sixty, labelers, questions),
    "FP32",
)
strict = [q for q in range(20) for _ in range(3)]
case(
    "coefficient_estimates",
    "SciPy and finite differences: three answers to a question, which lean alike",
    inputs_of(sixty, labeler=list(range(60)), question=strict, confidence=0.9),
    intervals(sixty, list(range(60)), strict, confidence=0.9),
    "FP32",
)
case(
    "coefficient_estimates",
    "SciPy and finite differences: two labelers are too few to speak of others",
    inputs_of(sixty, labeler=[i % 2 for i in range(60)], question=questions, confidence=0.95),
    intervals(sixty, [i % 2 for i in range(60)], questions),
    "FP32",
)

# Out of fold.


def credits(answers, folds, ridge=1.0):
    found = []
    for answer, fold in zip(answers, folds, strict=True):
        b = fitted([a for a, f in zip(answers, folds, strict=True) if f != fold], ridge)
        scores = [float(np.dot(features, b)) for features, _ in answer]
        top = [t for s, (_, t) in zip(scores, answer, strict=True) if s >= max(scores) - 1e-9]
        found.append(sum(top) / len(top))
    return found


folds = [i % 3 for i in range(30)]
case(
    "out_of_fold_credit",
    f"{SCIPY} of the other folds",
    inputs_of(sixty[:30], fold=folds),
    credits(sixty[:30], folds),
)
case(
    "out_of_fold_credit",
    "by hand: the other fold prefers more; two of three share the top, one of them was chosen",
    inputs_of(
        [[([1.0], 1.0), ([0.0], 0.0)], [([2.0], 1.0), ([2.0], 0.0), ([0.0], 0.0)]],
        fold=[0, 1],
    ),
    [1.0, 0.5],
)

# Deviations of groups: a step of one number from the fit of all, the others held.


def deviations(answers, b, feature, groups):
    moved, variances = [], []
    for name in sorted(set(groups)):
        own = [a for a, g in zip(answers, groups, strict=True) if g == name]
        curvature = hessian(own, b, 0.0)[feature, feature]
        moved.append(gradient(own, b)[feature] / curvature)
        variances.append(1 / curvature)
    return [*moved, *variances]


case(
    "group_deviations",
    "finite differences of the likelihood of each group at the fit of all, with one number free",
    inputs_of(sixty, feature=0, group=[i % 3 for i in range(60)], ridge=1.0),
    deviations(sixty, fitted(sixty, 1.0), 0, [i % 3 for i in range(60)]),
    "FP32",
)
always = [[([1.0], 1.0), ([0.0], 0.0)]] * 4 + [[([1.0], t), ([0.0], 1 - t)] for t in (0, 0, 1, 1)]
middle = 1 / (1 + math.exp(-fitted(always, 1.0)[0]))
bend = 4 * middle * (1 - middle)
case(
    "group_deviations",
    "by hand, of two samples: observed less expected, 4 - 4 p and 2 - 4 p, over 4 p (1 - p); the "
    "first group always goes by the feature",
    inputs_of(always, feature=0, group=[0] * 4 + [1] * 4, ridge=1.0),
    [(4 - 4 * middle) / bend, (2 - 4 * middle) / bend, 1 / bend, 1 / bend],
    "FP32",
)

# Random effects.
case(
    "random_effects",
    "by hand: y 0, 2 and v 1, 1: Q = 2, C = 1, sd^2 = (2 - 1) / 1 = 1; half of the way to the mean",
    {"values": [0.0, 2.0], "variances": [1.0, 1.0]},
    [1.0, 1.0, 0.5, 1.5],
)
case(
    "random_effects",
    "by hand: chance explains the difference, Q = 0.5 < 1: all are drawn to the mean",
    {"values": [0.0, 1.0], "variances": [1.0, 1.0]},
    [0.5, 0.0, 0.5, 0.5],
)
y, v = [0.1, 0.8, 1.9], [0.04, 0.09, 0.16]
w = [1 / x for x in v]
fixed = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
q = sum(a * (b - fixed) ** 2 for a, b in zip(w, y, strict=True))
tau2 = (q - 2) / (sum(w) - sum(x * x for x in w) / sum(w))
wider = [1 / (x + tau2) for x in v]
mean = sum(a * b for a, b in zip(wider, y, strict=True)) / sum(wider)
case(
    "random_effects",
    "the formulas of DerSimonian and Laird 1986, in plain steps",
    {"values": y, "variances": v},
    [
        mean,
        tau2**0.5,
        *(mean + tau2 / (tau2 + b) * (a - mean) for a, b in zip(y, v, strict=True)),
    ],
)

# Exact looks.
case(
    "tail_probability",
    "SciPy, binom.sf",
    {"probabilities": [0.5] * 122, "successes": 76},
    [binom.sf(75, 122, 0.5)],
    "FP32",
)
odd = [0.25, 0.5, 0.75, 0.5, 1 / 3]
all_of = sum(
    math.prod(p if x else 1 - p for p, x in zip(odd, xs, strict=True))
    for xs in product((0, 1), repeat=5)
    if sum(xs) >= 4
)
case(
    "tail_probability",
    "all 32 outcomes of five trials, one by one",
    {"probabilities": odd, "successes": 4},
    [all_of],
)
wins = [1] * 20 + [0] * 7
case(
    "count_looks",
    "SciPy, binom.sf: 20 of 27 have probability 0.96 %, more than the 0.3 % of the first look",
    {"probabilities": [0.5] * 27, "outcomes": wins},
    [27, 20, binom.sf(19, 27, 0.5), 0],
    "FP32",
)
wins = [1] * 21 + [0] * 6
case(
    "count_looks",
    "SciPy, binom.sf: 21 of 27 have 0.296 %, and nothing after that counts",
    {"probabilities": [0.5] * 200, "outcomes": wins + [0] * 173},
    [27, 21, binom.sf(20, 27, 0.5), 1],
    "FP32",
)
wins = ([1, 0] * 14)[:27] + [1] * 63 + [0] * 32
case(
    "count_looks",
    "SciPy, binom.sf: nothing at 27, 77 of 122 at the second look",
    {"probabilities": [0.5] * 130, "outcomes": wins + [0] * 8},
    [27, 14, binom.sf(13, 27, 0.5), 0, 122, 77, binom.sf(76, 122, 0.5), 1],
    "FP32",
)
case(
    "next_look",
    "by hand: 122 doubled until it is more",
    {"n": [0, 26, 27, 121, 122, 500]},
    [27, 27, 122, 122, 244, 976],
)

target = Path(__file__).with_name("choice.json")
target.write_text(json.dumps(cases) + "\n")
