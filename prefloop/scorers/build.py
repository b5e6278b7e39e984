"""Scorers made from a run file, and checked where they hand over their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from prefloop.choices import chosen_kind
from prefloop.errors import InputError
from prefloop.registry import SCORERS
from prefloop.scorers.scorer import Scorer, Scores

SHOWN_CHARACTERS = 60

Settings = Mapping[str, Mapping[str, Any]]
"""The `scorers:` section of a run file."""


@dataclass(frozen=True)
class CheckedScorer:
    """A scorer whose numbers are counted and finite, or an error that names it."""

    name: str
    scorer: Scorer

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one finite number per response; InputError if the scorer gives anything else."""
        scores = np.asarray(self.scorer.score(prompts, responses), dtype=np.float64)
        if scores.shape != (len(responses),):
            raise InputError(
                f"scorer {self.name!r} returned numbers of shape {scores.shape} for "
                f"{len(responses)} responses; score() must return one number per response."
            )
        wrong = np.flatnonzero(~np.isfinite(scores))
        if len(wrong):
            first = responses[int(wrong[0])][:SHOWN_CHARACTERS]
            raise InputError(
                f"scorer {self.name!r} returned {scores[wrong[0]]} for {first!r} and for "
                f"{len(wrong) - 1} more of {len(responses)} responses. Scores must be finite."
            )
        return scores


@dataclass(frozen=True)
class WeightedScorer:
    """The weighted sum of several scorers."""

    name: ClassVar[str] = "weighted"
    sources: ClassVar[frozenset[str]] = frozenset()
    description: ClassVar[str] = "a weighted sum of scorers"

    parts: tuple[tuple[float, CheckedScorer], ...]

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return sum of weight * score over the parts."""
        total = np.zeros(len(responses))
        for weight, scorer in self.parts:
            total += weight * scorer.score(prompts, responses)
        return total


def build_scorer(name: str, section: Settings) -> CheckedScorer:
    """Return the scorer that a run file calls `name`."""
    kind, raw = chosen_kind(section, name)
    chosen = SCORERS.load(kind)
    if hasattr(chosen, "Settings"):
        return CheckedScorer(name, chosen(SCORERS.settings(kind, raw, f"scorers.{name}")))
    return CheckedScorer(name, chosen())


def build_weighted(weights: Mapping[str, float], section: Settings) -> WeightedScorer:
    """Return the weighted sum of the scorers that a run file names."""
    return WeightedScorer(
        tuple((weight, build_scorer(name, section)) for name, weight in weights.items())
    )
