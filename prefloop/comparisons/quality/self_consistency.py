"""Test-retest: does a labeler give the same answer when the same question is repeated?"""

from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.share import Share, graded
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.records import Label
from prefloop.teamwork import QualityCheck


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """Repeated questions, all together and by the order in which the samples were shown again.

    A labeler who chooses by position is consistent in the same order only; one who guesses is
    consistent in neither.
    """

    share: Share
    same_order: tuple[int, int]
    """Same answers, and repeats, where the samples were shown in the first order."""
    other_order: tuple[int, int]
    """The same where the order differed."""


def self_consistency(
    checks: Sequence[QualityCheck], labels: Sequence[Label], thresholds: Thresholds
) -> Consistency:
    """Return how often one labeler gave a repeated question the same answer as before."""
    repeats = [c for c in checks if c.kind == "retest" and c.is_right is not None]
    asked = {check.comparison_id for check in repeats}
    first = {label.comparison_id: label.shown for label in labels if label.comparison_id in asked}
    known = [c for c in repeats if first.get(c.comparison_id)]
    same = [c.is_right is True for c in known if first[c.comparison_id] == c.shown]
    other = [c.is_right is True for c in known if first[c.comparison_id] != c.shown]
    share = graded(
        sum(c.is_right is True for c in repeats),
        len(repeats),
        bar=thresholds.pass_consistency,
        least=thresholds.least_repeats,
        confidence=thresholds.grade_confidence,
        noun="repeated question",
    )
    return Consistency(
        share=share, same_order=(sum(same), len(same)), other_order=(sum(other), len(other))
    )
