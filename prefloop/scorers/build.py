"""Scorers made from a run file, and checked where they return their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from prefloop.choices import chosen_kind
from prefloop.errors import InputError, PrefloopError
from prefloop.registry import SCORERS, NoSettings, plug_in_error, sources_of
from prefloop.scorers.endpoint.usage import Metered
from prefloop.scorers.fingerprint import fingerprint_of
from prefloop.scorers.scorer import Scorer, Scores
from prefloop.settings.section import Section

SHOWN_CHARACTERS = 60

Settings = Mapping[str, Mapping[str, Any]]
"""The `scorers:` section of a run file."""


@dataclass(frozen=True)
class CheckedScorer:
    """A scorer whose numbers are counted and finite, or an error that names it."""

    name: str
    """What the run file calls it; scores are stored under it."""
    scorer: Scorer
    settings: Section = field(default_factory=NoSettings)

    @property
    def sources(self) -> frozenset[str]:
        """What its scores rest on."""
        return sources_of(self.scorer, self.settings)

    @property
    def description(self) -> str:
        """What the report calls it."""
        return self.scorer.description

    @property
    def fingerprint(self) -> str:
        """A hash of its settings, source code and weights; stored scores are read under it."""
        return fingerprint_of(self.scorer, self.settings)

    @property
    def metered(self) -> Metered | None:
        """The scorer as one whose requests cost something; None if they cost nothing."""
        return self.scorer if isinstance(self.scorer, Metered) else None

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one finite number per response; InputError if the scorer gives anything else."""
        scores = self._numbers(prompts, responses)
        if scores.shape != (len(responses),):
            raise InputError(
                f"scorer {self.name!r} returned numbers of shape {scores.shape} for "
                f"{len(responses)} responses; score() must return one number per response."
            )
        wrong = np.flatnonzero(~np.isfinite(scores))
        if len(wrong):
            first = responses[int(wrong[0])][:SHOWN_CHARACTERS]
            others = f" and for {len(wrong) - 1} more" if len(wrong) > 1 else ""
            raise InputError(
                f"scorer {self.name!r} returned {scores[wrong[0]]} for {first!r}{others} "
                f"of {len(responses)} responses. Scores must be finite."
            )
        return scores

    def _numbers(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        try:
            return np.asarray(self.scorer.score(prompts, responses), dtype=np.float64)
        except PrefloopError:
            raise
        except Exception as error:
            raise InputError(
                plug_in_error(f"scorer {self.name!r}", type(self.scorer), error)
            ) from error


@dataclass(frozen=True)
class WeightedScorer:
    """The weighted sum of several scorers."""

    name: ClassVar[str] = "weighted"
    sources: ClassVar[frozenset[str]] = frozenset()
    description: ClassVar[str] = "a weighted sum of scorers"

    parts: tuple[tuple[float, CheckedScorer], ...]

    @property
    def metered(self) -> dict[str, Metered | None]:
        """The parts by name, as `CheckedScorer.metered` has them."""
        return {part.name: part.metered for _, part in self.parts}

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return sum of weight * score over the parts."""
        total = np.zeros(len(responses))
        for weight, scorer in self.parts:
            total += weight * scorer.score(prompts, responses)
        return total


def build_scorer(name: str, section: Settings) -> CheckedScorer:
    """Return the scorer that a run file calls `name`; an error of its constructor names it."""
    kind, raw = chosen_kind(section, name)
    scorer, settings = SCORERS.make(kind, raw, f"scorers.{name}")
    return CheckedScorer(name, scorer, settings)


def build_weighted(weights: Mapping[str, float], section: Settings) -> WeightedScorer:
    """Return the weighted sum of the scorers that a run file names."""
    return WeightedScorer(
        tuple((weight, build_scorer(name, section)) for name, weight in weights.items())
    )
