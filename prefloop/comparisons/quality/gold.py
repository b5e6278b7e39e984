"""Answers to gold questions: those whose best sample is known."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.share import Share, graded
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted
from prefloop.functional.statistics import beta_bounds
from prefloop.teamwork import AssignmentKind, QualityCheck

LEAST_ANSWERS = 5
"""Fewest answers to a gold question before it can be called doubtful."""


@dataclass(frozen=True, kw_only=True)
class DoubtfulGold:
    """A gold question whose known answer most people contradict."""

    comparison_id: str
    n_right: int
    n: int
    message: str


def gold_share(
    checks: Sequence[QualityCheck], thresholds: Thresholds, kind: AssignmentKind = "gold"
) -> Share:
    """Return the share of right gold answers; skips and flags do not count.

    `kind` is `gold` (asked silently) or `training` (explained afterwards).
    """
    known = [check.is_right for check in checks if check.kind == kind]
    answered = [bool(is_right) for is_right in known if is_right is not None]
    return graded(
        sum(answered),
        len(answered),
        bar=thresholds.pass_accuracy,
        least=thresholds.least_gold,
        confidence=thresholds.grade_confidence,
        noun="gold answer",
    )


def doubtful_gold(checks: Sequence[QualityCheck]) -> list[DoubtfulGold]:
    """Return the gold questions on which people prefer one other sample to the known one.

    Such a question has at least five answers, and with 95 % probability people choose the other
    sample more often than the known one.
    """
    answers: dict[str, list[QualityCheck]] = defaultdict(list)
    for check in checks:
        if check.kind in ("gold", "training") and check.is_right is not None:
            answers[check.comparison_id].append(check)
    found = []
    for comparison_id, given in answers.items():
        right = sum(bool(check.is_right) for check in given)
        others = Counter(check.chosen for check in given if not check.is_right and check.chosen)
        rival = max(others.values(), default=0)
        if len(given) < LEAST_ANSWERS or beta_bounds(right, right + rival).high >= 0.5:
            continue
        message = (
            f"{rival} of {counted(len(given), 'answer')} name the same other sample, {right} the "
            "known one: check the known answer, then the instructions."
        )
        found.append(
            DoubtfulGold(comparison_id=comparison_id, n_right=right, n=len(given), message=message)
        )
    return sorted(found, key=lambda gold: (gold.n_right / gold.n, gold.comparison_id))
