"""Who labeled, how long it took, what it cost, and how far they agree."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from prefloop.comparisons.exchange.importer import UNKNOWN
from prefloop.comparisons.labelers.sources import PERSON, LabelerGroup
from prefloop.comparisons.labels_used import shown_counts
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_agreement
from prefloop.evaluation.estimates import estimate_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.provenance import LabelsRecord
from prefloop.figures.text import count, counted
from prefloop.label_types.answers import PREFERENCES
from prefloop.label_types.types import type_of
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

MOST_NAMED = 4
"""Sources of imported labels that are named; of the others the number is given."""


@dataclass(frozen=True, kw_only=True)
class LabelerRow:
    """One person's (or synthetic labeler's) share of the work."""

    name: str
    n_labels: int
    median_seconds: float | None
    """None if no label of theirs records its time, as with imported ones; so are hours and cost."""
    hours: float | None
    cost: float | None
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
    strengths: tuple[tuple[str, int], ...]
    """How many choices were said to be slight and clear; empty if nobody was asked."""
    reasons: tuple[tuple[str, int], ...]
    """How many choices name each reason, the most frequent first."""
    labelers: tuple[LabelerRow, ...]
    agreement: EstimateFigure | None
    """Share of label pairs on one question that name the same sample; None without such pairs."""
    chance: float | None
    """The agreement of labelers who choose at random."""
    samples_shown: Mapping[int, int]
    """How many samples a question showed, each with the number of training labels."""
    loss_at_chance: float | None
    """The loss of a reward model that scores all samples alike, in nats; None without training
    labels."""
    accuracy_at_chance: float | None
    rules: tuple[Exclusion, ...]
    """Those in force: whose labels are counted here and yet left out of training."""


def label_facts(
    labels: Sequence[Label],
    comparisons: Mapping[str, Comparison],
    config: ReportConfig,
    rules: Sequence[Exclusion] = (),
    worked_seconds: Mapping[str, float] | None = None,
) -> LabelFacts:
    """Return the sums; `worked_seconds` are the server's, by label, in place of the browsers'."""
    labels = _with_times(labels, worked_seconds or {})
    splits = Counter(comparisons[label.comparison_id].split for label in labels)
    times = _times(labels)
    seconds = sum(times)
    by_labeler: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_labeler[label.labeler].append(label)
    rows = [_row(name, theirs, config.hourly_wage) for name, theirs in by_labeler.items()]
    agreement = overall_agreement(LabelHistory(labels=labels, comparisons=comparisons))
    train = _teaching(labels, comparisons)
    shown = shown_counts(train, list(comparisons.values()))
    return LabelFacts(
        n_labels=len(labels),
        n_train=splits["train"],
        n_validation=splits["validation"],
        n_timed=len(times),
        seconds=seconds,
        cost=seconds / SECONDS_PER_HOUR * config.hourly_wage,
        answers=tuple(Counter(label.answer for label in labels).most_common()),
        strengths=_counted(label.details.get("strength") for label in labels),
        reasons=_counted(reason for label in labels for reason in label.details.get("reasons", ())),
        labelers=tuple(sorted(rows, key=lambda row: (-row.n_labels, row.name))),
        agreement=estimate_figure(agreement.estimate) if agreement else None,
        chance=agreement.chance if agreement else None,
        samples_shown=shown,
        loss_at_chance=_mean(_loss_at_chance(label, comparisons) for label in train),
        accuracy_at_chance=_mean(1 / k for k, n in shown.items() for _ in range(n)),
        rules=tuple(rule for rule in rules if rule.undone_at is None),
    )


def _with_times(labels: Sequence[Label], worked: Mapping[str, float]) -> list[Label]:
    return [replace(label, seconds=worked.get(label.id, label.seconds)) for label in labels]


def _loss_at_chance(label: Label, comparisons: Mapping[str, Comparison]) -> float:
    comparison = comparisons[label.comparison_id]
    n_samples = len(label.shown) or len(comparison.sample_ids)
    return type_of(comparison).loss_at_chance(n_samples)


def _teaching(labels: Sequence[Label], comparisons: Mapping[str, Comparison]) -> list[Label]:
    return [
        label
        for label in labels
        if comparisons[label.comparison_id].split == "train" and label.answer in PREFERENCES
    ]


def _counted(words: Iterable[str | None]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(word for word in words if word).most_common())


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def _times(labels: Sequence[Label]) -> list[float]:
    """Return the seconds that are known."""
    return [label.seconds for label in labels if math.isfinite(label.seconds)]


def _row(name: str, labels: Sequence[Label], wage: float) -> LabelerRow:
    times = _times(labels)
    hours = sum(times) / SECONDS_PER_HOUR if times else None
    chosen = [label for label in labels if label.answer == "best" and label.shown]
    first = sum(label.chosen == label.shown[0] for label in chosen)
    return LabelerRow(
        name=name,
        n_labels=len(labels),
        median_seconds=median(times) if times else None,
        hours=hours,
        cost=None if hours is None else hours * wage,
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
        return ", ".join(_by(g.kind, len(g.labelers), g.n_labels) + _judged_by(g) for g in groups)
    planned = {SYNTHETIC: "synthetic labelers", PEOPLE: "people", NOBODY: "imported labels"}
    return f"none yet, {planned.get(config.labelers, f'the labeler “{config.labelers}”')} to come"


def unpaid_text(groups: Sequence[LabelerGroup]) -> str:
    """Return that programs gave labels and were not paid for them; nothing where none did.

    >>> names, none = ("ann", "bob"), frozenset()
    >>> people = LabelerGroup(kind="person", labelers=names, n_labels=7, sources=none)
    >>> made = LabelerGroup(kind="program", labelers=("rules",), n_labels=3, sources=none)
    >>> unpaid_text([people])
    ''
    >>> unpaid_text([people, made])[:66]
    'Nobody was paid for 3 labels by 1 program: hours and cost are what'
    """
    unpaid = [group for group in groups if group.kind in ("synthetic", "program")]
    if not unpaid:
        return ""
    kinds = {group.kind for group in groups}
    head = ""
    if kinds == {"synthetic"}:
        head = "Synthetic labelers answered, with known preferences and known faults. "
    which = ""
    if kinds - {"synthetic", "program"}:
        named = (_by(group.kind, len(group.labelers), group.n_labels) for group in unpaid)
        which = f" for {' and '.join(named)}"
    return (
        f"{head}Nobody was paid{which}: hours and cost are what the seconds that the labels record "
        "would come to, had people taken them."
    )


def labels_text(record: LabelsRecord | None) -> str:
    """Return the labels that something was made from.

    >>> ann = LabelersRecord(kind="person", labelers=1, labels=7)
    >>> labels_text(LabelsRecord(train=5, validation=2, labelers=(ann,), samples_shown={"4": 5},
    ...                          ledger_events=9, ledger_hash=""))
    '7 labels by 1 person: 5 taught (best of 4), 2 only measured'
    """
    if record is None or not record.labelers:
        return "none"
    who = ", ".join(_by(group.kind, group.labelers, group.labels) for group in record.labelers)
    shown = best_of({int(k): n for k, n in record.samples_shown.items()})
    taught = f"{count(record.train)} taught" + (f" ({shown})" if shown else "")
    return f"{who}: {taught}, {count(record.validation)} only measured"


def best_of(samples_shown: Mapping[int, int]) -> str:
    """Return from how many samples labelers chose; nothing without labels.

    >>> best_of({4: 20}), best_of({2: 1, 4: 20}), best_of({})
    ('best of 4', 'best of 2 to 4', '')
    """
    sizes = sorted(samples_shown)
    if not sizes:
        return ""
    return f"best of {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")


def _by(kind: str, n_labelers: int, n_labels: int) -> str:
    nouns = NOUNS[kind]
    return f"{counted(n_labels, 'label')} by {count(n_labelers)} {nouns[n_labelers != 1]}"


def _judged_by(group: LabelerGroup) -> str:
    """Say who judged what was imported, as far as it is known; "" for labels of the run's own."""
    if group.kind != "imported":
        return ""
    known = sorted(s.removeprefix(PERSON) for s in group.sources if not s.startswith(UNKNOWN))
    if not known:
        return " (who judged is not known)"
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return f" (judged by {', '.join(known[:MOST_NAMED])}{more})"
