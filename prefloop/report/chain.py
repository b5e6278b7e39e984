"""Where the newest policy comes from: reward model, label batches, labelers, instructions.

Each link is what the artifact's record says (`provenance.json`), and what the store holds up to the
event of the ledger that the record names.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.comparisons.labelers.sources import label_sources, labeler_kind
from prefloop.figures.provenance import LabelsRecord, Provenance
from prefloop.figures.text import count
from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Comparison, Label
from prefloop.report.labels import LabelFacts
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

MOST_LABELERS = 30
"""Labelers that are named, those with the most labels."""


@dataclass(frozen=True, kw_only=True)
class ChainParent:
    """What a policy learned from: a reward model or a scorer."""

    name: str
    sha256: str
    """Empty where it has no manifest."""
    labels: LabelsRecord | None


@dataclass(frozen=True, kw_only=True)
class ChainBatch:
    """The labels of one round."""

    round: int
    questions: int
    train: int
    validation: int
    labelers: int
    versions: tuple[str, ...]
    """Of the instructions that they answer to."""
    first_id: str
    last_id: str


@dataclass(frozen=True, kw_only=True)
class ChainLabeler:
    """A labeler of these labels."""

    name: str
    kind: str
    labels: int
    sources: tuple[str, ...]
    """What the labels rest on."""


@dataclass(frozen=True, kw_only=True)
class ChainVersion:
    """A version of the instructions, with the labels that answer to it."""

    version: str
    labels: int
    question: str
    """Empty where nobody kept it."""
    text: str
    published_by: str
    """Empty where it was read from the run file and never published."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """From the policy back to the words that labelers read."""

    policy: str
    """The newest policy; empty if there is none."""
    record: Provenance | None
    parents: tuple[ChainParent, ...]
    """The newest first."""
    n_labels: int
    batches: tuple[ChainBatch, ...]
    labelers: tuple[ChainLabeler, ...]
    n_labelers: int
    versions: tuple[ChainVersion, ...]
    is_recorded: bool
    """Whether a record says which labels these were; if not, they are those of today's store."""


def use_of_labels(chain: Chain, facts: LabelFacts) -> str:
    """Return how many of a store's labels taught, measured, and did neither.

    Those that did neither were skipped or flagged, left out by a rule, or came too late.
    """
    if not chain.is_recorded:
        return f"{count(facts.n_train)} to teach, {count(facts.n_validation)} only to measure"
    taught = sum(batch.train for batch in chain.batches)
    measured = sum(batch.validation for batch in chain.batches)
    rest = facts.n_labels - taught - measured
    text = f"{count(taught)} taught, {count(measured)} only measured"
    return f"{text}, {count(rest)} did neither" if rest > 0 else text


def provenance_chain(store: Store, run: RunFigures, config: RunConfig) -> Chain:
    """Return the chain of the newest policy; without one, that of the newest reward model."""
    folder = run.policies[-1] if run.policies else None
    record = folder.provenance if folder else None
    parents = _parents(run, record)
    used = next((parent.labels for parent in parents if parent.labels is not None), None)
    labels = store.labels(as_of=used.ledger_events if used else None, for_training=True)
    counted = [label for label in labels if label.answer in PREFERENCES]
    labelers = _labelers(store, config, counted)
    return Chain(
        policy=f"policy/round-{folder.round}" if folder else "",
        record=record,
        parents=parents,
        n_labels=len(counted),
        batches=_batches({c.id: c for c in store.comparisons()}, counted),
        labelers=tuple(labelers[:MOST_LABELERS]),
        n_labelers=len(labelers),
        versions=_versions(store, config, counted),
        is_recorded=used is not None,
    )


def _parents(run: RunFigures, record: Provenance | None) -> tuple[ChainParent, ...]:
    """Return what the policy learned from; of a policy without a record, the reward models."""
    trained = {f"rewards/round-{file.round}": file.provenance for file in run.trusts}
    hashes = {parent.name: parent.sha256 for parent in record.parents} if record else {}
    names = list(hashes) if record else list(trained)
    made = {name: trained.get(name) for name in names}
    return tuple(
        ChainParent(name=name, sha256=hashes.get(name, ""), labels=found.labels if found else None)
        for name, found in reversed(made.items())
    )


def _batches(comparisons: dict[str, Comparison], labels: Sequence[Label]) -> tuple[ChainBatch, ...]:
    by_round: dict[int, list[Label]] = defaultdict(list)
    for label in labels:
        by_round[comparisons[label.comparison_id].round].append(label)
    return tuple(_batch(number, comparisons, by_round[number]) for number in sorted(by_round))


def _batch(number: int, comparisons: dict[str, Comparison], labels: Sequence[Label]) -> ChainBatch:
    splits = Counter(comparisons[label.comparison_id].split for label in labels)
    return ChainBatch(
        round=number,
        questions=len({label.comparison_id for label in labels}),
        train=splits["train"],
        validation=splits["validation"],
        labelers=len({label.labeler for label in labels}),
        versions=tuple(sorted({label.instructions for label in labels})),
        first_id=labels[0].id,
        last_id=labels[-1].id,
    )


def _labelers(store: Store, config: RunConfig, labels: Sequence[Label]) -> list[ChainLabeler]:
    """Return who gave these labels, those with the most labels first."""
    people = {person.name for person in store.people.all()}
    imported, sources_of = store.imports.sources(), label_sources(store, config)
    counts: Counter[tuple[str, str]] = Counter()
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for label in labels:
        kind = "imported" if label.id in imported else labeler_kind(label.labeler, people)
        counts[label.labeler, kind] += 1
        sources[label.labeler, kind].update(sources_of(label))
    return [
        ChainLabeler(name=name, kind=kind, labels=n, sources=tuple(sorted(sources[name, kind])))
        for (name, kind), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _versions(store: Store, config: RunConfig, labels: Sequence[Label]) -> tuple[ChainVersion, ...]:
    counts = Counter(label.instructions for label in labels)
    published = {found.version: found for found in store.instructions.all()}
    task, versions = config.task, []
    for version, n in sorted(counts.items()):
        found = published.get(version)
        is_own = version == task.instructions_version
        question, text = (task.question, task.instructions) if is_own else ("", "")
        versions.append(
            ChainVersion(
                version=version,
                labels=n,
                question=found.question if found else question,
                text=found.text if found else text,
                published_by=found.created_by if found else "",
            )
        )
    return tuple(versions)
