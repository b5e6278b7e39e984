"""Write from_spec.json: the formulas of the 2019 system derived again in NumPy, token by token.

Nothing here imports prefloop. Every response is a list of its own length; padding is added at the
very end, filled with 77, so that no mask takes part in the arithmetic.
Run: python tests/golden/make_from_spec.py
"""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

PAD = 77.0
LENGTHS = [6, 1, 4, 3]
GAMMA, LAM, CLIP, KL_COEF = 0.97, 0.95, 0.2, 0.15
rng = np.random.default_rng(20190918)


def ragged(scale=1.0, shift=0.0):
    return [rng.normal(shift, scale, n).round(3).tolist() for n in LENGTHS]


def padded(rows, fill=PAD):
    width = max(LENGTHS)
    return [[float(x) for x in row] + [fill] * (width - len(row)) for row in rows]


def flat(rows):
    return np.array([x for row in rows for x in row])


MASK = [[True] * n + [False] * (max(LENGTHS) - n) for n in LENGTHS]
cases: list[dict[str, Any]] = []


def case(function, source, inputs, *outputs):
    cases.append(
        {"function": function, "source": source, "inputs": inputs, "outputs": list(outputs)}
    )


def whiten(rows, center):
    """Population moments; the mean comes back unless centered."""
    every = flat(rows)
    mean, std = every.mean(), math.sqrt(every.var() + 1e-8)
    return [[(x - mean) / std + (0.0 if center else mean) for x in row] for row in rows]


def advantages_of(rewards, values):
    """The sum form of the estimator, A_t = sum_l (gamma lam)^l delta_{t+l}: no recursion."""
    advantages = []
    for r, v in zip(rewards, values, strict=True):
        v_next = [*v[1:], 0.0]
        delta = [r[t] + GAMMA * v_next[t] - v[t] for t in range(len(r))]
        advantages.append(
            [
                sum((GAMMA * LAM) ** (s - t) * delta[s] for s in range(t, len(r)))
                for t in range(len(r))
            ]
        )
    return advantages


def both(f, *rows):
    return [[f(*xs) for xs in zip(*row, strict=True)] for row in zip(*rows, strict=True)]


x = ragged(2.0, 1.5)
case(
    "masked_var",
    "tf.nn.moments: mean of squares about the mean, divided by n",
    {"x": padded(x), "mask": MASK},
    float(np.mean((flat(x) - flat(x).mean()) ** 2)),
)
for center in (True, False):
    case(
        "masked_whiten",
        "original system 3.4, steps 1 and 3, with eps 1e-8",
        {"x": padded(x), "mask": MASK, "center": center},
        padded(whiten(x, center), 0.0),
    )

logprobs, ref, old = ragged(0.5, -2.0), ragged(0.5, -2.0), ragged(0.5, -2.0)
scores = [1.25, -0.5, 2.0, -1.0]
kl = both(lambda a, b: a - b, logprobs, ref)
rewards = [[-KL_COEF * k for k in row] for row in kl]
for row, score in zip(rewards, scores, strict=True):
    row[-1] += score
case(
    "kl_k1",
    "original system 3.3",
    {"logprobs": padded(logprobs), "ref_logprobs": padded(ref, -PAD), "mask": MASK},
    padded(kl, 0.0),
)
case(
    "kl_k3",
    "Schulman 2020: (r - 1) - ln r with r = ref / policy",
    {"logprobs": padded(logprobs), "ref_logprobs": padded(ref, -PAD), "mask": MASK},
    padded([[math.exp(-k) - 1 + k for k in row] for row in kl], 0.0),
)
case(
    "kl_k2",
    "Schulman 2020: (ln r)^2 / 2 with r = ref / policy",
    {"logprobs": padded(logprobs), "ref_logprobs": padded(ref, -PAD), "mask": MASK},
    padded([[math.log(math.exp(-k)) ** 2 / 2 for k in row] for row in kl], 0.0),
)
case(
    "kl_increase",
    "importance sampling: E_old[p/p_old (log p - log ref)] - E_old[log p_old - log ref], per "
    "token, weights cut at 4",
    {
        "logprobs": padded(logprobs),
        "old_logprobs": padded(old, PAD),
        "ref_logprobs": padded(ref, -PAD),
        "mask": MASK,
    },
    [
        float(
            sum(
                min(math.exp(p - o), 4.0) * (p - r) - (o - r) for p, o, r in zip(*rows, strict=True)
            )
        )
        for rows in zip(logprobs, old, ref, strict=True)
    ],
)
case(
    "sequence_kl",
    "original system 3.5: summed over all tokens of a response",
    {"kl": padded(kl, 0.0)},
    [float(sum(row)) for row in kl],
)
case(
    "shape_rewards",
    "original system 3.3",
    {
        "scores": scores,
        "logprobs": padded(logprobs),
        "ref_logprobs": padded(ref, -PAD),
        "mask": MASK,
        "kl_coef": KL_COEF,
    },
    padded(rewards, 0.0),
    padded(kl, 0.0),
)
case(
    "sequence_rewards",
    "eq. 2: r(x, y) - beta log(pi(y|x) / rho(y|x)), each probability the product of its tokens'",
    {
        "scores": scores,
        "logprobs": padded(logprobs),
        "ref_logprobs": padded(ref, -PAD),
        "mask": MASK,
        "kl_coef": KL_COEF,
    },
    [
        s - KL_COEF * math.log(math.prod(map(math.exp, p)) / math.prod(map(math.exp, q)))
        for s, p, q in zip(scores, logprobs, ref, strict=True)
    ],
)

values, returns = ragged(1.0), ragged(1.0, 0.5)
advantages = advantages_of(rewards, values)
case(
    "gae",
    "original system 3.4, step 2, in the sum form of Schulman et al. 2016, eq. 16",
    {
        "rewards": padded(rewards),
        "values": padded(values),
        "mask": MASK,
        "gamma": GAMMA,
        "lam": LAM,
    },
    padded(advantages, 0.0),
    padded(both(lambda a, v: a + v, advantages, values), 0.0),
)
spread = np.mean((flat(returns) - flat(values)) ** 2) / flat(returns).var()
case(
    "explained_variance",
    "original system 3.4, step 7",
    {"values": padded(values), "returns": padded(returns), "mask": MASK},
    float(1 - spread),
)

ratio = np.exp(flat(logprobs) - flat(old))
A = flat(advantages)
plain, clipped = -A * ratio, -A * np.clip(ratio, 1 - CLIP, 1 + CLIP)
case(
    "clipped_policy_loss",
    "original system 3.4, steps 4 and 7",
    {
        "logprobs": padded(logprobs),
        "old_logprobs": padded(old, -PAD),
        "advantages": padded(advantages),
        "mask": MASK,
        "clip_range": CLIP,
    },
    float(np.maximum(plain, clipped).mean()),
    float((clipped > plain).mean()),
    float(0.5 * np.mean((flat(logprobs) - flat(old)) ** 2)),
    float(ratio.max()),
    float(ratio.mean()),
)
new_values = both(lambda v, d: v + d, values, ragged(0.4))
V, V_old, R = flat(new_values), flat(values), flat(returns)
near = np.clip(V, V_old - CLIP, V_old + CLIP)
plain, clipped = (V - R) ** 2, (near - R) ** 2
case(
    "clipped_value_loss",
    "original system 3.4, steps 5 and 7",
    {
        "values": padded(new_values),
        "old_values": padded(values, -PAD),
        "returns": padded(returns, 0.0),
        "mask": MASK,
        "clip_range_value": CLIP,
    },
    float(0.5 * np.maximum(plain, clipped).mean()),
    float((clipped > plain).mean()),
)

z = rng.normal(0, 2, (2, 3, 7)).round(3)
q = rng.normal(0, 2, (2, 3, 7)).round(3)
tokens = rng.integers(0, 7, (2, 3))
p = np.exp(z / 0.7) / np.exp(z / 0.7).sum(-1, keepdims=True)
p_ref = np.exp(q / 0.7) / np.exp(q / 0.7).sum(-1, keepdims=True)
case(
    "token_logprobs",
    "original system 3.1: logits divided by the temperature",
    {"logits": z.tolist(), "tokens": tokens.tolist(), "temperature": 0.7},
    np.log(np.take_along_axis(p, tokens[..., None], -1))[..., 0].tolist(),
)
case(
    "entropy",
    "definition",
    {"logits": z.tolist(), "temperature": 0.7},
    (-(p * np.log(p)).sum(-1)).tolist(),
)
case(
    "exact_kl",
    "definition",
    {"logits": z.tolist(), "ref_logits": q.tolist(), "temperature": 0.7},
    (p * np.log(p / p_ref)).sum(-1).tolist(),
)

k_scores = rng.normal(0, 1, (5, 4)).round(3)
counts = [4, 2, 3, 4, 3]
targets = np.array([[0, 0, 1, 0], [0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.25] * 4, [0.2, 0, 0.8, 0]])
loss = 0.0
for s, t, n in zip(k_scores, targets, counts, strict=True):
    e = np.exp(s[:n])
    loss -= float((t[:n] * np.log(e / e.sum())).sum()) / len(counts)
case(
    "best_of_k_loss",
    "original system 2.1, with soft targets",
    {
        "scores": k_scores.tolist(),
        "targets": targets.tolist(),
        "present": [[k < n for k in range(4)] for n in counts],
    },
    loss,
)

raw = rng.normal(3, 5, 16).round(3)
case(
    "gain_and_shift",
    "original system 2.3: gain 1/sigma, bias -mu/sigma, population std",
    {"scores": raw.tolist()},
    float(1 / raw.std()),
    float(-raw.mean() / raw.std()),
)
for step in (2, 100, 10_000):
    case(
        "tensorflow_eps",
        "original system 3.5: 1e-5 / sqrt(1 - 0.999^t)",
        {"step": step, "eps": 1e-5},
        float(1e-5 / np.sqrt(1 - np.float64(0.999) ** step)),
    )
for kl_now in (5.0, 7.1, 6.0, -3.0):
    error = float(np.clip(kl_now / 6 - 1, -0.2, 0.2))
    case(
        "adaptive_kl_coef",
        "original system 3.5",
        {"kl_coef": 0.15, "kl": kl_now, "target": 6.0, "horizon": 10000.0, "n_episodes": 512},
        0.15 * (1 + error * 512 / 10000),
    )
for step in (0, 5, 156):
    case("linear_decay", "original system 2.4", {"step": step, "total": 156}, 1 - step / 156)
for done in (0.0, 0.05, 0.25, 0.9):
    budget = 500 + 4500 * (1 - (1 - done) ** 2)
    case(
        "label_budget",
        "original system 4",
        {"initial": 500, "total": 5000, "fraction": done},
        int(np.rint(budget)),
    )

r = rng.normal(1, 2, 12).round(3)
for k in (2, 3, 4):
    loo = [
        float(r[i] - np.mean([r[j] for j in range(12) if j // k == i // k and j != i]))
        for i in range(12)
    ]
    case(
        "leave_one_out_advantages",
        "Ahmadian et al. 2024: R(y_i) - 1/(k-1) sum of R(y_j), j != i, response by response",
        {"rewards": r.tolist(), "samples_per_prompt": k},
        loo,
    )
A = rng.normal(0, 1, len(logprobs)).round(3)
products = [
    math.prod(math.exp(p - o) for p, o in zip(*rows, strict=True))
    for rows in zip(logprobs, old, strict=True)
]
terms = [(-a * w, -a * float(np.clip(w, 0.5, 1.5))) for a, w in zip(A, products, strict=True)]
for denominator in (None, 10):
    n = denominator or len(terms)
    case(
        "clipped_sequence_loss",
        "Schulman et al. 2017, eq. 7, with the whole response as the action, response by response",
        {
            "logprobs": padded(logprobs),
            "old_logprobs": padded(old, -PAD),
            "advantages": A.tolist(),
            "mask": MASK,
            "clip_range": 0.5,
            "denominator": denominator,
        },
        float(sum(max(pair) for pair in terms) / n),
        sum(clipped > plain for plain, clipped in terms) / n,
        max(products),
        sum(products) / n,
    )


def log_likelihood(order, scores):
    """Choices one after another, each among those that are left."""
    return sum(
        scores[i] - math.log(sum(math.exp(scores[j]) for j in order[place:]))
        for place, i in enumerate(order)
    )


def votes(orders, k):
    """How often each response was chosen among each set, as shares of the orders."""
    table = [[0.0] * 2**k for _ in range(k)]
    for order in orders:
        for place in range(len(order) - 1):
            table[order[place]][sum(2**i for i in order[place:])] += 1 / len(orders)
    return table


ranked = rng.normal(0, 1, (3, 4)).round(3).tolist()
ranked[1][3] = PAD
ORDERS: list[list[tuple[int, ...]]] = [
    [(2, 0, 3, 1)],
    [(1, 0, 2), (0, 2, 1)],
    [(3, *rest) for rest in itertools.permutations((0, 1, 2))],
]
losses = [
    -sum(log_likelihood(order, row) for order in orders) / len(orders)
    for orders, row in zip(ORDERS, ranked, strict=True)
]
orders_as_votes = [votes(orders, 4) for orders in ORDERS]
there = [[True] * 4, [True, True, True, False], [True] * 4]
for denominator in (None, 7):
    case(
        "plackett_luce_loss",
        "Plackett 1975, eq. 1, order by order: one; two of three responses; all with 3 first",
        {
            "scores": ranked,
            "targets": orders_as_votes,
            "present": there,
            "denominator": denominator,
        },
        sum(losses) / (denominator or 3),
    )

target = Path(__file__).with_name("from_spec.json")
target.write_text(json.dumps(cases, indent=1) + "\n")
