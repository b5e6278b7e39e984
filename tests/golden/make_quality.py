"""Write quality.json: figures on labels, from other packages and from plain loops.

Nothing here imports prefloop. The packages are not among the project's own:
    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install statsmodels==0.15.0 crowd-kit==1.4.2
    /tmp/golden/bin/python tests/golden/make_quality.py
"""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from crowdkit.aggregation import OneCoinDawidSkene
from scipy.stats import norm
from scipy.stats import t as student_t
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

STATSMODELS = "statsmodels 0.15.0"
rng = np.random.default_rng(20251)
cases = []


def case(function, source, inputs, *outputs, tolerance="FP64"):
    cases.append(
        {
            "function": function,
            "source": source,
            "inputs": inputs,
            "outputs": [float(x) for x in outputs],
            "tolerance": tolerance,
        }
    )


# Proportions and false discoveries.
for k, n, confidence in [(27, 30, 0.95), (18, 30, 0.99), (0, 12, 0.95), (12, 12, 0.9)]:
    low, high = proportion_confint(k, n, alpha=1 - confidence, method="jeffreys")
    low, high = (0.0 if k == 0 else low), (1.0 if k == n else high)
    case(
        "beta_bounds",
        f"{STATSMODELS}, proportion_confint(method='jeffreys'); the end is exact at 0 and n",
        {"successes": k, "n": n, "confidence": confidence},
        low,
        high,
    )
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
PUBLISHED += [0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
case(
    "q_values",
    f"the 15 p-values of Benjamini and Hochberg 1995, section 3.2 (four are below 0.05), by "
    f"{STATSMODELS}, multipletests(method='fdr_bh')",
    {"p_values": PUBLISHED},
    *multipletests(PUBLISHED, method="fdr_bh")[1],
)
case(
    "q_values",
    "by hand: 3 * 0.04 / 2 = 0.06 > 3 * 0.05 / 3 = 0.05, so the second is lowered to 0.05",
    {"p_values": [0.04, 0.01, 0.05]},
    0.05,
    0.03,
    0.05,
)


def share(mean, variance, degrees, n, n_clusters, confidence=0.95):
    """Return Wilson's interval by statsmodels, at an effective size worked out in plain steps."""
    t, z = student_t.ppf(0.5 + confidence / 2, degrees), norm.ppf(0.5 + confidence / 2)
    seen, bernoulli = n * n * variance * (t / z) ** 2, n * mean * (1 - mean)
    effect = (seen + z**2 / 4 * n / n_clusters) / (bernoulli + z**2 / 4)
    if bernoulli and seen / bernoulli > effect:
        effect = seen / bernoulli
    alpha = 1 - confidence
    low, high = proportion_confint(mean * n / effect, n / effect, alpha=alpha, method="wilson")
    end = proportion_confint(n_clusters, n_clusters, alpha=alpha, method="wilson")[0]
    return min(low, end), max(high, 1 - end)


WILSON = f"{STATSMODELS}, proportion_confint(method='wilson')"
case(
    "share_estimate",
    f"{WILSON}: twelve questions that all agree are twelve of twelve, however many answered each",
    {"mean": 1.0, "variance": 0.0, "degrees": 1e12, "n": 40, "n_clusters": 12, "confidence": 0.95},
    proportion_confint(12, 12, method="wilson")[0],
    1.0,
)
case(
    "share_estimate",
    f"{WILSON}: 63 independent wins of 64 are 63 of 64",
    {
        "mean": 63 / 64,
        "variance": 63 / 64**3,
        "degrees": 1e12,
        "n": 64,
        "n_clusters": 64,
        "confidence": 0.95,
    },
    *proportion_confint(63, 64, method="wilson"),
)
for clustered_share in (
    {"mean": 0.5, "variance": 1 / 12, "degrees": 2, "n": 6, "n_clusters": 3, "confidence": 0.5},
    {"mean": 0.99, "variance": 0.00004, "degrees": 1e12, "n": 300, "n_clusters": 20}
    | {"confidence": 0.95},
    {"mean": 0.9, "variance": 0.002, "degrees": 9, "n": 240, "n_clusters": 80, "confidence": 0.95},
    {"mean": 0.5, "variance": 0.0, "degrees": 1e12, "n": 9, "n_clusters": 9, "confidence": 0.9},
):
    case(
        "share_estimate",
        f"{WILSON}, at the effective size in plain steps",
        clustered_share,
        *share(**clustered_share),
    )

# Agreement: 8 labelers, 14 questions of 3 samples, about two thirds of the cells.
answers = [
    {"labeler": a, "question": q, "choice": int(rng.choice(3, p=[0.6, 0.25, 0.15]))}
    for q in range(14)
    for a in range(8)
    if rng.random() < 0.67
]
table = {
    "labeler": [x["labeler"] for x in answers],
    "question": [x["question"] for x in answers],
    "option": [3 * x["question"] + x["choice"] for x in answers],
}


def clustered(groups, values, n):
    sums = {}
    for group, value in zip(groups, values, strict=True):
        sums[group] = sums.get(group, 0.0) + value
    g = len(sums)
    return g / (g - 1) * sum(x**2 for x in sums.values()) / n**2


def interval(mean, variance, groups, confidence=0.95):
    half = student_t.ppf(0.5 + confidence / 2, groups - 1) * math.sqrt(variance)
    return max(0.0, mean - half), min(1.0, mean + half)


pairs = [
    (x["question"], x["labeler"], y["labeler"], float(x["choice"] == y["choice"]))
    for x, y in combinations(answers, 2)
    if x["question"] == y["question"]
]
n = len(pairs)
mean = sum(p[3] for p in pairs) / n
e = [p[3] - mean for p in pairs]
people = sorted({a for p in pairs for a in p[1:3]})
v_labeler = 0.0
for a in people:
    mine = [i for i, p in enumerate(pairs) if a in p[1:3]]
    v_labeler += (sum(e[i] for i in mine) / (1 - len(mine) / n)) ** 2 / n**2
v_labeler -= clustered([p[1:3] for p in pairs], e, n)
both = [((p[0], a), x) for p, x in zip(pairs, e, strict=True) for a in p[1:3]]
v_both = clustered([k for k, _ in both], [x for _, x in both], n)
v_both -= clustered(range(n), e, n)
v_question = clustered([p[0] for p in pairs], e, n)
variance = max(v_question + v_labeler - v_both, v_question, v_labeler)
case(
    "pairwise_agreement",
    "the definition, summed over pairs of choices one by one",
    table,
    mean,
    *share(
        mean,
        variance,
        min(len(people), len({p[0] for p in pairs})) - 1,
        n,
        len({p[0] for p in pairs}),
    ),
    n,
    len({p[0] for p in pairs}),
)


def two_way(values, questions, others):
    """Return mean, variance and smallest number of groups, by statsmodels."""
    fit = sm.OLS(np.array(values), np.ones(len(values))).fit()
    q, o = (np.unique(x, return_inverse=True)[1] for x in (questions, others))
    both, by_q, by_o = cov_cluster_2groups(fit, q, o)
    variance = max(float(both[0, 0]), float(by_q[0, 0]), float(by_o[0, 0]))
    return float(fit.params[0]), variance, min(q.max(), o.max()) + 1


met = [
    (x, y)
    for x in answers
    for y in answers
    if x["question"] == y["question"] and x["labeler"] != y["labeler"]
]
rows = []
for a in range(8):
    mine = [(x, y) for x, y in met if x["labeler"] == a]
    value, variance, groups = two_way(
        [float(x["choice"] == y["choice"]) for x, y in mine],
        [x["question"] for x, _ in mine],
        [y["labeler"] for _, y in mine],
    )
    n_questions = len({x["question"] for x, _ in mine})
    rows += [value, *share(value, variance, groups - 1, len(mine), n_questions), len(mine)]
case(
    "agreement_with_others",
    f"{STATSMODELS}, OLS on a constant, cov_cluster_2groups by question and other labeler",
    table | {"is_other": [True] * 8},
    *rows,
)
mine = [(x, y) for x, y in met if y["labeler"] < 2 <= x["labeler"]]
value, variance, groups = two_way(
    [float(x["choice"] == y["choice"]) for x, y in mine],
    [x["question"] for x, _ in mine],
    [x["labeler"] for x, _ in mine],
)
case(
    "agreement_with",
    f"{STATSMODELS}, OLS on a constant, cov_cluster_2groups by question and labeler; the first two "
    "labelers are the researchers",
    table | {"is_other": [True] * 2 + [False] * 6},
    value,
    *share(value, variance, groups - 1, len(mine), len({x["question"] for x, _ in mine})),
    len(mine),
)
rows = []
for a in range(8):
    mine = [(x, y) for x, y in met if x["labeler"] == a]
    value, variance, groups = two_way(
        [float(x["choice"] == 0) - float(y["choice"] == 0) for x, y in mine],
        [x["question"] for x, _ in mine],
        [y["labeler"] for _, y in mine],
    )
    half = student_t.ppf(0.975, groups - 1) * math.sqrt(variance)
    p = student_t.sf(value / math.sqrt(variance), groups - 1)
    rows += [value, max(-1.0, value - half), min(1.0, value + half), p]
case(
    "excess_over_others",
    f"{STATSMODELS}, OLS of the difference on a constant, cov_cluster_2groups; a hit is the first "
    "sample of a question",
    table | {"is_other": [True] * 8, "hits": [float(x["choice"] == 0) for x in answers]},
    *rows,
)
case("above_chance", "by hand: (0.7 - 0.5) / 0.5", {"agreement": 0.7, "chance": 0.5}, 0.4)
case("above_chance", "by hand: below chance", {"agreement": 0.1, "chance": 0.25}, -0.2)

# Skill.
for skill, k, p in [(0.0, 2, 0.5), (0.5, 2, 0.75), (-0.5, 4, 0.125), (0.6, 4, 0.7)]:
    case(
        "right_probability",
        "by hand: knows with probability s and guesses otherwise; avoids with probability -s",
        {"skill": [skill], "n_options": [k]},
        p,
    )
GRID = [i / 100 for i in range(-98, 99)]


def right(s, k):
    return 1 / k + s * (1 - 1 / k) if s >= 0 else (1 + s) / k


def mean_skill(logs):
    top = max(logs)
    weights = [math.exp(x - top) for x in logs]
    return sum(w * s for w, s in zip(weights, GRID, strict=True)) / sum(weights)


def beliefs(rows, skills, without=None):
    """Return for each sample of a question the probability that it is the best one."""
    k = rows[0]["k"]
    logs = []
    for option in range(k):
        total = 0.0
        for i, row in enumerate(rows):
            if i != without:
                p = right(skills[row["labeler"]], k)
                total += math.log(p if row["choice"] == option else (1 - p) / (k - 1))
        logs.append(total)
    weights = [math.exp(x) for x in logs]
    return [w / sum(weights) for w in weights]


def skill_rows(rows, n_labelers):
    """One-coin Dawid and Skene with a flat prior on skill; then each labeler by the others."""
    by_question = {}
    for row in rows:
        by_question.setdefault(row["question"], []).append(row)
    skills = [0.5] * n_labelers
    for _ in range(100):
        logs = [[0.0] * len(GRID) for _ in range(n_labelers)]
        for given in by_question.values():
            for row in given:
                r = row["right"]
                if r is None:
                    r = beliefs(given, skills)[row["choice"]]
                for g, s in enumerate(GRID):
                    p = right(s, row["k"])
                    logs[row["labeler"]][g] += r * math.log(p) + (1 - r) * math.log(1 - p)
        new = [mean_skill(x) for x in logs]
        moved = max(abs(a - b) for a, b in zip(new, skills, strict=True))
        skills = new
        if moved < 1e-4:
            break
    logs = [[0.0] * len(GRID) for _ in range(n_labelers)]
    for given in by_question.values():
        for i, row in enumerate(given):
            w = row["right"]
            if w is None:
                w = beliefs(given, skills, without=i)[row["choice"]]
            for g, s in enumerate(GRID):
                p = right(s, row["k"])
                logs[row["labeler"]][g] += math.log(w * p + (1 - w) * (1 - p) / (row["k"] - 1))
    return [mean_skill(x) for x in logs]


def crowd(n_questions, accuracies, k_of, share):
    rows = []
    for q in range(n_questions):
        k = k_of(q)
        best = int(rng.integers(k))
        for a, accuracy in enumerate(accuracies):
            if rng.random() < share:
                choice = best
                if rng.random() > accuracy:
                    choice = int((best + rng.integers(1, k)) % k)
                rows.append({"labeler": a, "question": q, "choice": choice, "k": k, "right": None})
    return rows


def skill_table(rows, n_labelers):
    return {
        "labeler": [r["labeler"] for r in rows],
        "question": [r["question"] for r in rows],
        "option": [4 * r["question"] + r["choice"] for r in rows],
        "n_options": [r["k"] for r in rows],
        "is_right": [r["right"] for r in rows],
        "n_labelers": n_labelers,
    }


rows = crowd(24, [0.85, 0.8, 0.75, 0.5, 0.2], lambda q: 2 + q % 3, 0.7)
for number in range(30):
    # Gold: each a question of its own, answered by one.
    accuracy = [0.85, 0.8, 0.75, 0.5, 0.2][number % 5]
    rows.append(
        {
            "labeler": number % 5,
            "question": 24 + number,
            "choice": 0,
            "k": 2,
            "right": float(rng.random() < accuracy),
        }
    )


case(
    "one_coin_skills",
    "the definition, question by question over all samples; mixed numbers of samples, and gold",
    skill_table(rows, 5),
    *skill_rows(rows, 5),
)
case(
    "one_coin_skills",
    "closed form: one labeler, 24 of 30 known answers right at k = 2, so (1 + s) / 2 ~ "
    "Beta(25, 7) and the mean skill is 2 * 25 / 32 - 1",
    skill_table(
        [
            {"labeler": 0, "question": q, "choice": 0, "k": 2, "right": float(q < 24)}
            for q in range(30)
        ],
        1,
    ),
    2 * 25 / 32 - 1,
    tolerance="STATISTICAL",
)
rows = crowd(120, [0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.25], lambda q: 2, 0.9)
frame = pd.DataFrame(
    {
        "task": [r["question"] for r in rows],
        "worker": [r["labeler"] for r in rows],
        "label": [r["choice"] for r in rows],
    }
)
aggregator = OneCoinDawidSkene(n_iter=100, tol=1e-8)
aggregator.fit(frame)
case(
    "one_coin_skills",
    "crowd-kit 1.4.2, OneCoinDawidSkene: its skill is the share of right answers p, ours 2 p - 1; "
    "it maximizes, we average over a flat prior",
    skill_table(rows, 7),
    *[2 * aggregator.skills_[a] - 1 for a in range(7)],
    tolerance="STATISTICAL",
)

# Positions and runs.
case(
    "position_test",
    "by hand: 10, 20, 30 where 20 are expected: chi^2 = 10 with 2 degrees of freedom, exp(-5); "
    "the last place has 30 of 60, a third expected",
    {"positions": [0] * 10 + [1] * 20 + [2] * 30, "sizes": [3] * 60},
    math.exp(-5),
    2,
    30,
    60,
    1 / 3,
)
case(
    "position_test",
    "by hand: two samples 30 to 10 (chi^2 = 10), three samples 20, 20, 20 (chi^2 = 0), so 10 with "
    "3 degrees of freedom: erfc(sqrt(5)) + sqrt(20 / pi) exp(-5); first place 50 of 100, "
    "expected (20 + 20) / 100",
    {
        "positions": [0] * 30 + [1] * 10 + [0] * 20 + [1] * 20 + [2] * 20,
        "sizes": [2] * 40 + [3] * 60,
    },
    math.erfc(math.sqrt(5)) + math.sqrt(20 / math.pi) * math.exp(-5),
    0,
    50,
    100,
    0.4,
)
case(
    "run_probability",
    "504 of the 1,024 sequences of ten tosses have no three heads in a row (tribonacci numbers, "
    "OEIS A000073)",
    {"probabilities": [0.5] * 10, "length": 3},
    520 / 1024,
)
case(
    "run_probability",
    "by hand: 0.2 * 0.7 + 0.8 * 0.7 * 0.5",
    {"probabilities": [0.2, 0.7, 0.5], "length": 2},
    0.42,
)
case(
    "run_probability",
    "by hand: more in a row than there are trials",
    {"probabilities": [0.9, 0.9], "length": 3},
    0.0,
)
case(
    "longest_run",
    "by hand: 2, 2, 2 from the third on; the four 0 do not count",
    {"values": [1, 1, 2, 2, 2, 0, 0, 0, 0, 2], "counted": [1, 1, 1, 1, 1, 0, 0, 0, 0, 1]},
    2,
    3,
)
case("longest_run", "by hand: nothing counts", {"values": [3, 3], "counted": [0, 0]}, 0, 0)

# Learning curves.
n_seen = [32, 64, 100, 200, 400, 800]
case(
    "fit_learning_curve",
    "by hand: points on 0.8 - 2 / sqrt(n) give the curve back",
    {
        "seen": n_seen,
        "accuracies": [0.8 - 2 / math.sqrt(n) for n in n_seen],
        "counts": [32] * 6,
    },
    0.8,
    2.0,
)
case(
    "fit_learning_curve",
    "by hand: accuracy falls, so the curve is level at the weighted mean (2 * 0.7 + 0.6) / 3",
    {"seen": [100, 400], "accuracies": [0.7, 0.6], "counts": [64, 32]},
    2 / 3,
    0.0,
)
case(
    "fit_learning_curve",
    "by hand: 0.5 and 0.8 at x = 0.1, 0.05 lead to 1.1, so the limit is 1 and the slope "
    "(0.1 * 0.5 + 0.05 * 0.2) / (0.1^2 + 0.05^2)",
    {"seen": [100, 400], "accuracies": [0.5, 0.8], "counts": [32, 32]},
    1.0,
    0.06 / 0.0125,
)
y = [0.55, 0.6, 0.58, 0.66, 0.69, 0.68]
m = [32, 32, 36, 100, 200, 400]
design = sm.add_constant(np.array([-1 / math.sqrt(n) for n in n_seen]))
case(
    "fit_learning_curve",
    f"{STATSMODELS}, WLS on 1 / sqrt(n)",
    {"seen": n_seen, "accuracies": y, "counts": m},
    *sm.WLS(np.array(y), design, weights=np.array(m)).fit().params,
)

target = Path(__file__).with_name("quality.json")
target.write_text(json.dumps(cases) + "\n")
