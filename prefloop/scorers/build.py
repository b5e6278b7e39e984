"""Scorers made from a run file, and checked where they return their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import repr as short
from typing import Any, ClassVar

import numpy as np

from prefloop.choices import chosen_kind
from prefloop.errors import InputError, PrefloopError
from prefloop.figures.text import counted
from prefloop.registry import SCORERS, NoSettings, plug_in_error, sources_of
from prefloop.scorers.endpoint.usage import Metered
from prefloop.scorers.fingerprint import fingerprint_of
from prefloop.scorers.items import ItemProblem, NoNumbers, item_text
from prefloop.scorers.scorer import Scorer, Scores
from prefloop.settings.section import Section

Settings = Mapping[str, Mapping[str, Any]]
"""The `scorers:` section of a run file."""


LARGEST = 1e12
"""The largest score. The square of much larger ones is none in single precision, in which a policy
learns from them."""


@dataclass(frozen=True)
class CheckedScorer:
    """A scorer whose numbers are counted, finite and not too large, or an error that names it."""

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
            is_list = scores.ndim == 1
            found = counted(len(scores), "number") if is_list else f"shape {scores.shape}"
            raise InputError(self._miscounted(found, len(responses)))
        wrong = np.flatnonzero(~(np.abs(scores) <= LARGEST))
        if len(wrong):
            first = item_text(int(wrong[0]), responses)
            others = f" and for {len(wrong) - 1} more" if len(wrong) > 1 else ""
            raise InputError(
                f"scorer {self.name!r} returned {scores[wrong[0]]:g} for {first}{others}. Scores "
                f"must be finite, and between {-LARGEST:g} and {LARGEST:g}: let it return a low "
                "number where it cannot tell."
            )
        return scores

    def _miscounted(self, found: str, n: int) -> str:
        return (
            f"scorer {self.name!r} returned {found} for {counted(n, 'response')}. Let it return "
            "one number per response, in their order."
        )

    def _numbers(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        try:
            return np.asarray(self.scorer.score(prompts, responses), dtype=np.float64)
        except PrefloopError:
            raise
        except ItemProblem as problem:
            raise InputError(self._told(problem, responses)) from problem.__cause__
        except NoNumbers as found:
            raise InputError(self._miscounted(str(found), len(responses))) from None
        except Exception as error:
            raise InputError(
                plug_in_error(f"scorer {self.name!r}", type(self.scorer), error)
            ) from error

    def _told(self, problem: ItemProblem, responses: Sequence[str]) -> str:
        """Return the message for a response that a function of the user's failed on."""
        subject, item = f"scorer {self.name!r}", item_text(problem.index, responses)
        if problem.__cause__ is not None:
            cause = problem.__cause__
            return plug_in_error(subject, type(self.scorer), cause, f" for {item}")
        return (
            f"{subject} returned {short(problem.found)} for {item}, which is no number. Let it "
            "return a number for every response."
        )


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
        return metered_by_name([part for _, part in self.parts])

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return sum of weight * score over the parts."""
        total = np.zeros(len(responses))
        for weight, scorer in self.parts:
            total += weight * scorer.score(prompts, responses)
        return total


def metered_by_name(scorers: Sequence[CheckedScorer]) -> dict[str, Metered | None]:
    """Return what of scorers costs something, as `WeightedScorer.metered` has it."""
    return {scorer.name: scorer.metered for scorer in scorers}


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
