"""The labels that something is made from, summed up for its provenance."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from prefloop.comparisons.labelers.sources import PERSON, label_sources, labeler_kind
from prefloop.figures.provenance import LabelersRecord, LabelsRecord
from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Comparison, Label
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

NAMES_SOMEBODY = (PERSON, "imported:")
"""How sources begin that hold the name of who labeled."""


def labels_record(
    store: Store,
    train: Sequence[Label],
    validation: Sequence[Label],
    *,
    as_of: int | None = None,
    config: RunConfig | None = None,
) -> LabelsRecord:
    """Return what these labels are; `as_of` is the last event that counted, None the newest.

    With the settings of the run that they are used in, the record says what they rest on, too.
    An answer without a preference (`skip`, `flag`) teaches and measures nothing: it does not count.
    """
    train, validation = _with_preference(train), _with_preference(validation)
    people = {person.name for person in store.people.all()}
    imported = store.imports.sources()
    # A name in a file may be that of somebody here, and it is not they who labeled.
    counts = Counter((label.labeler, label.id in imported) for label in (*train, *validation))
    by_kind: dict[str, list[int]] = defaultdict(list)
    for (name, is_imported), n_labels in counts.items():
        by_kind["imported" if is_imported else labeler_kind(name, people)].append(n_labels)
    head = store.ledger_head(as_of)
    return LabelsRecord(
        train=len(train),
        validation=len(validation),
        labelers=tuple(
            LabelersRecord(kind=kind, labelers=len(theirs), labels=sum(theirs))
            for kind, theirs in sorted(by_kind.items())
        ),
        samples_shown={str(k): n for k, n in shown_counts(train, store.comparisons()).items()},
        ledger_events=head.n_events,
        ledger_hash=head.hash,
        sources=() if config is None else _programs(store, config, (*train, *validation)),
    )


def _programs(store: Store, config: RunConfig, labels: Sequence[Label]) -> tuple[str, ...]:
    """Return what labels rest on, without people: a model folder is given away, with its record."""
    of = label_sources(store, config)
    found = {source for label in labels for source in of(label)}
    return tuple(sorted(source for source in found if not source.startswith(NAMES_SOMEBODY)))


def _with_preference(labels: Sequence[Label]) -> list[Label]:
    return [label for label in labels if label.answer in PREFERENCES]


def labels_in_store(store: Store) -> LabelsRecord | None:
    """Return what the labels are that a store holds now; None if it holds none."""
    train, validation = (store.labels(split=split) for split in ("train", "validation"))
    return labels_record(store, train, validation) if train or validation else None


def shown_counts(labels: Sequence[Label], comparisons: Sequence[Comparison]) -> dict[int, int]:
    """Return how many labels answer a question of so many samples, the smallest first.

    What was on screen counts; a label that does not say so saw all samples of its comparison.
    """
    sizes = {comparison.id: len(comparison.sample_ids) for comparison in comparisons}
    counts = Counter(len(label.shown) or sizes[label.comparison_id] for label in labels)
    return dict(sorted(counts.items()))
