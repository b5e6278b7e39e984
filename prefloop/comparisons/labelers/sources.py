"""Who gave the labels of a store, by kind, and what their labels rest on."""

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import get_args

from prefloop.choices import program_sources, synthetic_sources
from prefloop.comparisons.labelers.labeler import LabelerKind
from prefloop.records import Label
from prefloop.registry import LABELERS
from prefloop.settings.comparisons import SYNTHETIC
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

KINDS: tuple[LabelerKind, ...] = get_args(LabelerKind)

PERSON = "person:"
"""Prefix of the source of what a person judged."""

_SYNTHETIC_NAME = re.compile(rf"{SYNTHETIC}-\d+")


@dataclass(frozen=True, kw_only=True)
class LabelerGroup:
    """The labelers of one kind whose labels are in a store."""

    kind: LabelerKind
    labelers: tuple[str, ...]
    """Their names, sorted."""
    n_labels: int
    """Live labels, and owners' verdicts in force."""
    sources: frozenset[str]
    """What their labels rest on: `person:<name>` for people; for labels that came from a file what
    was said when they were imported, and `imported:<name>` where nobody said who judged. A judge
    that shares a source of people is reported, any other is refused."""


def labeler_groups(store: Store, config: RunConfig) -> list[LabelerGroup]:
    """Return who gave the live labels of the store, one group for each kind that occurs.

    Who labeled before the run file named other labelers counts as well, and so does an owner whose
    verdict training reads in place of a question's labels.
    """
    people = {person.name for person in store.people.all()}
    imported = store.imports.sources()
    counts: dict[LabelerKind, Counter[str]] = {kind: Counter() for kind in KINDS}
    sources: dict[LabelerKind, set[str]] = {kind: set() for kind in KINDS}
    given = Counter((label.labeler, imported.get(label.id)) for label in store.labels())
    given.update((verdict.decided_by, None) for verdict in store.adjudications.in_force())
    for (name, said), n_labels in given.items():
        kind: LabelerKind = "imported" if said is not None else labeler_kind(name, people)
        counts[kind][name] += n_labels
        sources[kind].update(_sources(kind, name, config) if said is None else said)
    return [
        LabelerGroup(
            kind=kind,
            labelers=tuple(sorted(counts[kind])),
            n_labels=counts[kind].total(),
            sources=frozenset(sources[kind]),
        )
        for kind in KINDS
        if counts[kind]
    ]


def labeler_kind(name: str, people: Collection[str]) -> LabelerKind:
    """Return the kind of the labeler of this name; `people` are the names of the people table.

    Labels that came from a file are not asked: the store knows them. A registered labeler's class
    says whether it is synthetic.

    >>> labeler_kind("synthetic-3", {"ann"}), labeler_kind("ann", {"ann"}), labeler_kind("trl", ())
    ('synthetic', 'person', 'imported')
    """
    if name in people:
        return "person"
    if _SYNTHETIC_NAME.fullmatch(name):
        return "synthetic"
    if name not in LABELERS.names():
        return "imported"
    kind: LabelerKind = getattr(LABELERS.load(name), "kind", "program")
    return kind


def label_sources(store: Store, config: RunConfig) -> Callable[[Label], tuple[str, ...]]:
    """Return a function from a live label of the store to what it rests on."""
    people = {person.name for person in store.people.all()}
    imported = store.imports.sources()

    def sources(label: Label) -> tuple[str, ...]:
        said = imported.get(label.id)
        if said is not None:
            return said
        kind = labeler_kind(label.labeler, people)
        return tuple(sorted(_sources(kind, label.labeler, config)))

    return sources


def _sources(kind: LabelerKind, name: str, config: RunConfig) -> frozenset[str]:
    if kind in ("synthetic", "program") and name in LABELERS.names():
        return program_sources(config, name)
    if kind == "synthetic":
        return synthetic_sources(config)
    return frozenset({f"{kind}:{name}"})
