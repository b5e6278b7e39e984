"""Trains the sentiment classifier and writes its weights and a log of how good it is.

    python scorer_training/train_sentiment.py

Mean ratings are binarized (near-neutral ones dropped) and both classes weigh the same. A fifth of
the reviews, articles and sentences is held out by hash. The penalty is chosen by five-fold
cross-validation inside the other four fifths, and so is the scale of the log-odds (Platt 1999);
the held-out fifth only measures.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from ratings import PACKAGE, SOURCES, Sentence, load
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from prefloop.scorers.sentiment import N_FEATURES, WEIGHTS, features
from prefloop.seeding import stable_fraction

LOG = Path(__file__).with_name("sentiment_log.json")
NEUTRAL = 0.5
"""Mean ratings nearer to 0 than this train nothing."""
HELD_OUT = 0.2
N_FOLDS = 5
PENALTIES = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Inverse strengths of the L2 penalty that cross-validation tries."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def is_held_out(sentence: Sentence) -> bool:
    """Say whether the sentence's review, article or text is in the fifth that only measures."""
    return stable_fraction(sentence.group) < HELD_OUT


def fit(x: csr_matrix, y: Bools, penalty: float) -> LogisticRegression:
    """Return a logistic regression in which both classes weigh the same."""
    model = LogisticRegression(
        C=penalty,
        class_weight="balanced",
        solver="liblinear",
        dual=True,
        max_iter=500,
        random_state=0,
    )
    return model.fit(x, y)


def out_of_fold(x: csr_matrix, y: Bools, folds: NDArray[np.int64], penalty: float) -> Floats:
    """Return every row's log-odds from a model that did not see its fold."""
    odds = np.zeros(len(y))
    for fold in range(N_FOLDS):
        inside = folds == fold
        odds[inside] = fit(x[~inside], y[~inside], penalty).decision_function(x[inside])
    return odds


def platt(odds: Floats, y: Bools) -> tuple[float, float]:
    """Return the slope and offset that make `odds` log-odds if both classes are as frequent."""
    sign = np.where(y, 1.0, -1.0)
    weight = balanced(y)

    def loss(p: Floats) -> float:
        return float(np.sum(weight * np.logaddexp(0.0, -sign * (p[0] * odds + p[1]))))

    slope, offset = minimize(loss, np.array([1.0, 0.0])).x
    return float(slope), float(offset)


def balanced(y: Bools) -> Floats:
    """Return weights that sum to 1/2 in each class."""
    return np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())


def measure(odds: Floats, means: Floats) -> dict[str, float | int]:
    """Return how well log-odds follow mean ratings: AUC and accuracy without near-neutral ones."""
    clear = np.abs(means) >= NEUTRAL
    y, z = means[clear] > 0, odds[clear]
    slope, offset = platt(z, y)
    return {
        "n": len(means),
        "n_clear": int(clear.sum()),
        "auc": round(float(roc_auc_score(y, z)), 4),
        "accuracy": round(float(np.mean((z > 0) == y)), 4),
        "pearson_with_mean_rating": round(float(np.corrcoef(odds, means)[0, 1]), 4),
        "calibration_slope": round(slope, 3),
        "calibration_offset": round(offset, 3),
        "log_loss_balanced": round(float(log_loss(y, _sigmoid(z), sample_weight=balanced(y))), 4),
    }


def choose(x: csr_matrix, y: Bools, folds: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return, for every penalty, its out-of-fold loss and calibration."""
    table = {}
    for penalty in PENALTIES:
        odds = out_of_fold(x, y, folds, penalty)
        slope, offset = platt(odds, y)
        loss = log_loss(y, _sigmoid(slope * odds + offset), sample_weight=balanced(y))
        table[str(penalty)] = {"loss": float(loss), "slope": slope, "offset": offset}
    return table


def main() -> None:
    sentences = load()
    kept = [s for s in sentences if not is_held_out(s) and abs(s.mean) >= NEUTRAL]
    test = [s for s in sentences if is_held_out(s)]
    x, y = features([s.text for s in kept]), np.array([s.mean > 0 for s in kept])
    folds = np.array([int(stable_fraction("fold " + s.group) * N_FOLDS) for s in kept])
    table = choose(x, y, folds)
    best = min(table, key=lambda penalty: table[penalty]["loss"])
    slope, offset = table[best]["slope"], table[best]["offset"]
    model = fit(x, y, float(best))
    weights, bias = slope * model.coef_[0], slope * model.intercept_[0] + offset
    write_weights(weights, float(bias))
    started = time.process_time()
    odds = features([s.text for s in test]) @ weights + bias
    seconds = time.process_time() - started
    LOG.write_text(
        json.dumps(
            report(kept, test, odds, table, best)
            | {"sentences_per_cpu_second": round(len(test) / seconds)},
            indent=2,
        )
        + "\n"
    )
    sys.stdout.write(LOG.read_text())


def write_weights(weights: Floats, bias: float) -> None:
    """Write the two views' weights in half precision."""
    halves = weights.astype(np.float16)
    tensors = {"words": halves[:N_FEATURES], "characters": halves[N_FEATURES:]}
    save_file(tensors | {"bias": np.array([bias], dtype=np.float32)}, WEIGHTS)


def report(
    kept: list[Sentence],
    test: list[Sentence],
    odds: Floats,
    table: dict[str, dict[str, float]],
    best: str,
) -> dict[str, object]:
    """Return what the log says: data, choice, and held-out figures beside the lexicon's."""
    means = np.array([s.mean for s in test])
    analyzer = SentimentIntensityAnalyzer()
    compound = np.array([analyzer.polarity_scores(s.text)["compound"] for s in test])
    by_source = {
        name: measure(odds[rows], means[rows])
        for name in SOURCES
        if (rows := np.array([s.source == name for s in test])).any()
    }
    return {
        "data": PACKAGE + " (sdist), Hutto & Gilbert 2014",
        "scikit_learn": sklearn.__version__,
        "n_train": len(kept),
        "n_train_positive": sum(s.mean > 0 for s in kept),
        "neutral_below": NEUTRAL,
        "cross_validation": table,
        "penalty": float(best),
        "held_out": measure(odds, means),
        "held_out_by_source": by_source,
        "held_out_vader_lexicon": {
            "pearson_with_mean_rating": round(float(np.corrcoef(compound, means)[0, 1]), 4),
            "pearson_with_classifier": round(float(np.corrcoef(compound, odds)[0, 1]), 4),
        },
    }


def _sigmoid(z: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-z))


if __name__ == "__main__":
    main()
