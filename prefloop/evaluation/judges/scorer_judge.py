"""A scorer as a judge: the response with the higher score wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from prefloop.evaluation.judges.judge import Outcome
from prefloop.scorers.build import CheckedScorer


@dataclass(frozen=True)
class ScorerJudge:
    """Compares by score. Scores no further apart than `tie_margin` are a tie."""

    name: ClassVar[str] = "scorer"
    sources: ClassVar[frozenset[str]] = frozenset()
    """Those of its scorer; see `CheckedJudge.sources`."""
    description: ClassVar[str] = "a scorer"

    scorer: CheckedScorer
    tie_margin: float = 0.0

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        """Return what became of `a` beside `b`."""
        return self.compare_all([prompt], [a], [b])[0]

    def compare_all(
        self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]
    ) -> list[Outcome]:
        """Return one outcome for each of `a`, in order; both sides are scored in one call."""
        scores = self.scorer.score([*prompts, *prompts], [*a, *b])
        return self.by_scores(scores[: len(a)].tolist(), scores[len(a) :].tolist())

    def by_scores(self, a: Sequence[float], b: Sequence[float]) -> list[Outcome]:
        """Return the outcomes that known scores give."""
        return outcomes_of_scores(a, b, tie_margin=self.tie_margin)


def outcomes_of_scores(
    a: Sequence[float], b: Sequence[float], *, tie_margin: float = 0.0
) -> list[Outcome]:
    """Return for each of `a` what became of it beside the score of `b` at its place."""
    return [_outcome(x - y, tie_margin) for x, y in zip(a, b, strict=True)]


def _outcome(lead: float, tie_margin: float) -> Outcome:
    if abs(lead) <= tie_margin:
        return "tie"
    return "win" if lead > 0 else "loss"
