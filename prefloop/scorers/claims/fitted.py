"""A check of claims as a logistic regression: its weights, and the log-odds of a whole response."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class FittedCheck:
    """The weights of features, all of them negative, for the log-odds that a claim is supported."""

    intercept: float
    weights: NDArray[np.float64]
    copied: float
    """Log-odds that a claim loses whose pairs and triples of words are all copied."""

    def log_odds(self, features: NDArray[np.float64], copied_share: float) -> float:
        """Return the log-odds that one claim is supported by its source."""
        return float(self.intercept + self.weights @ features - self.copied * copied_share)


def read_check(path: Path, features: tuple[str, ...]) -> FittedCheck:
    """Return a check that was written for these features; ValueError if it was for others."""
    content = json.loads(path.read_text("utf-8"))
    if tuple(content["weights"]) != features:
        raise ValueError(
            f"{path.name} has weights for {', '.join(content['weights'])}, and the features are "
            f"{', '.join(features)}. Train it again: scorer_training/train_accuracy.py."
        )
    weights = np.array(list(content["weights"].values()), dtype=np.float64)
    return FittedCheck(intercept=content["intercept"], weights=weights, copied=content["copied"])
