"""Who labeled, how long it took, what it cost, and how far they agree."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from prefloop.comparisons.labelers.sources import LabelerGroup
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_agreement
from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.text import count, counted
from prefloop.records import Comparison, Label
from prefloop.settings.comparisons import NOBODY, PEOPLE, SYNTHETIC, ComparisonsConfig
from prefloop.settings.report import ReportConfig
from prefloop.teamwork import Exclusion

SECONDS_PER_HOUR = 3600.0

NOUNS = {
    "person": ("person", "people"),
    "synthetic": ("synthetic labeler", "synthetic labelers"),
    "program": ("program", "programs"),
    "imported": ("imported labeler", "imported labelers"),
}
"""What labelers of a kind are called, one and several."""


@dataclass(frozen=True, kw_only=True)
class LabelerRow:
    """One person's (or synthetic labeler's) share of the work."""

    name: str
    n_labels: int
    median_seconds: float | None
    """None if no label of theirs records its time, as with imported ones."""
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
    n_timed: int
    """Labels that record how long they took; time and cost are of these."""
    seconds: float
    cost: float
    answers: tuple[tuple[str, int], ...]
    labelers: tuple[LabelerRow, ...]
    agreement: EstimateFigure | None
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
    """Return the sums; hours are the seconds that labels record."""
    splits = Counter(comparisons[label.comparison_id].split for label in labels)
    times = _times(labels)
    seconds = sum(times)
    by_labeler: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_labeler[label.labeler].append(label)
    rows = [_row(name, theirs, config.hourly_wage) for name, theirs in by_labeler.items()]
    agreement = overall_agreement(LabelHistory(labels=labels, comparisons=comparisons))
    return LabelFacts(
        n_labels=len(labels),
        n_train=splits["train"],
        n_validation=splits["validation"],
        n_timed=len(times),
        seconds=seconds,
        cost=seconds / SECONDS_PER_HOUR * config.hourly_wage,
        answers=tuple(Counter(label.answer for label in labels).most_common()),
        labelers=tuple(sorted(rows, key=lambda row: (-row.n_labels, row.name))),
        agreement=estimate_figure(agreement.estimate) if agreement else None,
        chance=agreement.chance if agreement else None,
        rules=tuple(rule for rule in rules if rule.undone_at is None),
    )


def _times(labels: Sequence[Label]) -> list[float]:
    """Return the seconds that are known."""
    return [label.seconds for label in labels if math.isfinite(label.seconds)]


def _row(name: str, labels: Sequence[Label], wage: float) -> LabelerRow:
    times = _times(labels)
    hours = sum(times) / SECONDS_PER_HOUR
    chosen = [label for label in labels if label.answer == "best" and label.shown]
    first = sum(label.chosen == label.shown[0] for label in chosen)
    return LabelerRow(
        name=name,
        n_labels=len(labels),
        median_seconds=median(times) if times else None,
        hours=hours,
        cost=hours * wage,
        first_share=first / len(chosen) if chosen else None,
    )


def who_labels(groups: Sequence[LabelerGroup], config: ComparisonsConfig) -> str:
    """Return who labeled, by kind, as the store knows it; without labels, who is to label.

    >>> names = ("ann", "bob")
    >>> group = LabelerGroup(kind="person", labelers=names, n_labels=7, sources=frozenset())
    >>> who_labels([group], ComparisonsConfig())
    '7 labels by 2 people'
    """
    if groups:
        return ", ".join(_group_text(group) for group in groups)
    planned = {SYNTHETIC: "synthetic labelers", PEOPLE: "people", NOBODY: "imported labels"}
    return f"none yet, {planned.get(config.labelers, f'the labeler “{config.labelers}”')} to come"


def _group_text(group: LabelerGroup) -> str:
    nouns = NOUNS[group.kind]
    who = f"{count(len(group.labelers))} {nouns[len(group.labelers) != 1]}"
    return f"{counted(group.n_labels, 'label')} by {who}"
