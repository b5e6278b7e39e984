"""Who labeled, how long it took, what it cost, and how far they agree."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_agreement
from prefloop.functional.statistics import Estimate
from prefloop.records import Comparison, Label
from prefloop.settings.report import ReportConfig
from prefloop.teamwork import Exclusion

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class LabelerRow:
    """One person's (or synthetic labeler's) share of the work."""

    name: str
    n_labels: int
    median_seconds: float
    hours: float
    cost: float
    first_share: float | None
    """How often the sample shown first was chosen; None without a choice."""


@dataclass(frozen=True, kw_only=True)
class LabelFacts:
    """All labels of a run, summed up."""

    n_labels: int
    n_train: int
    n_validation: int
    hours: float
    cost: float
    answers: tuple[tuple[str, int], ...]
    labelers: tuple[LabelerRow, ...]
    agreement: Estimate | None
    """Share of label pairs on one question that name the same sample; None without such pairs."""
    chance: float | None
    """The agreement of labelers who choose at random."""
    rules: tuple[Exclusion, ...]
    """Those in force: whose labels are counted here and yet left out of training."""


def label_facts(
    labels: Sequence[Label],
    comparisons: Mapping[str, Comparison],
    config: ReportConfig,
    rules: Sequence[Exclusion] = (),
) -> LabelFacts:
    """Return the sums; hours are the seconds that each label records."""
    splits = Counter(comparisons[label.comparison_id].split for label in labels)
    hours = sum(label.seconds for label in labels) / SECONDS_PER_HOUR
    by_labeler: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_labeler[label.labeler].append(label)
    rows = [_row(name, theirs, config.hourly_wage) for name, theirs in by_labeler.items()]
    agreement = overall_agreement(LabelHistory(labels=labels, comparisons=comparisons))
    return LabelFacts(
        n_labels=len(labels),
        n_train=splits["train"],
        n_validation=splits["validation"],
        hours=hours,
        cost=hours * config.hourly_wage,
        answers=tuple(Counter(label.answer for label in labels).most_common()),
        labelers=tuple(sorted(rows, key=lambda row: (-row.n_labels, row.name))),
        agreement=agreement.estimate if agreement else None,
        chance=agreement.chance if agreement else None,
        rules=tuple(rule for rule in rules if rule.undone_at is None),
    )


def _row(name: str, labels: Sequence[Label], wage: float) -> LabelerRow:
    hours = sum(label.seconds for label in labels) / SECONDS_PER_HOUR
    chosen = [label for label in labels if label.answer == "best" and label.shown]
    first = sum(label.chosen == label.shown[0] for label in chosen)
    return LabelerRow(
        name=name,
        n_labels=len(labels),
        median_seconds=median(label.seconds for label in labels),
        hours=hours,
        cost=hours * wage,
        first_share=first / len(chosen) if chosen else None,
    )


def synthetic_scorers(settings: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what the synthetic labelers of a run like; None if people labeled."""
    comparisons = settings.get("comparisons", {})
    if comparisons.get("labelers") != "synthetic":
        return None
    return dict(comparisons.get("synthetic", {}).get("scorers", {}))
