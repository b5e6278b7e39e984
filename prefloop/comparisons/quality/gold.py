"""Answers to questions whose best sample is known."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.sentences import counted
from prefloop.comparisons.quality.share import Share, judged
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.statistics import beta_bounds
from prefloop.teamwork import AssignmentKind, QualityCheck

LEAST_ANSWERS = 5
"""Answers to one gold question before it is doubted."""


@dataclass(frozen=True, kw_only=True)
class DoubtfulGold:
    """A gold question whose key most people contradict: see the key, then the instructions."""

    comparison_id: str
    n_right: int
    n: int
    told: str


def gold_share(
    checks: Sequence[QualityCheck], thresholds: Thresholds, kind: AssignmentKind = "gold"
) -> Share:
    """Return how many gold answers were right; a skip or a flag is no answer.

    Silent gold only, unless `kind` says `training`: those are explained, and teach.
    """
    known = [check.is_right for check in checks if check.kind == kind]
    answered = [bool(is_right) for is_right in known if is_right is not None]
    return judged(
        sum(answered),
        len(answered),
        bar=thresholds.pass_accuracy,
        least=thresholds.least_gold,
        confidence=thresholds.verdict_confidence,
        noun="gold answer",
    )


def doubtful_gold(checks: Sequence[QualityCheck]) -> list[DoubtfulGold]:
    """Return the gold questions on which people prefer one other sample to the known one.

    At least five answers, and surely (95 %) more of them for that sample than for the key.
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
        told = (
            f"{rival} of {counted(len(given), 'answer')} name the same other sample, {right} the "
            "known one: check the key, then the instructions."
        )
        found.append(
            DoubtfulGold(comparison_id=comparison_id, n_right=right, n=len(given), told=told)
        )
    return sorted(found, key=lambda gold: (gold.n_right / gold.n, gold.comparison_id))
