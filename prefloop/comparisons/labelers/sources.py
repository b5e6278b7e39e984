"""Who gave the labels of a store, by kind, and what their labels rest on."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from prefloop.choices import program_sources, synthetic_sources
from prefloop.comparisons.labelers.labeler import LabelerKind
from prefloop.registry import LABELERS
from prefloop.settings.comparisons import SYNTHETIC
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

KINDS: tuple[LabelerKind, ...] = get_args(LabelerKind)

_SYNTHETIC_NAME = re.compile(rf"{SYNTHETIC}-\d+")


@dataclass(frozen=True, kw_only=True)
class LabelerGroup:
    """The labelers of one kind whose labels are in a store."""

    kind: LabelerKind
    labelers: tuple[str, ...]
    """Their names, sorted."""
    n_labels: int
    sources: frozenset[str]
    """What their labels rest on: `person:<name>` for people, `imported:<name>` for labels that came
    from a file. A judge that shares a source of people is reported, any other is refused."""


def labeler_groups(store: Store, config: RunConfig) -> list[LabelerGroup]:
    """Return who gave the live labels of the store, one group for each kind that occurs.

    Who labeled before the run file named other labelers counts as well.
    """
    people = {person.name for person in store.people.all()}
    counts = Counter(label.labeler for label in store.labels())
    groups = []
    for kind in KINDS:
        names = [name for name in sorted(counts) if labeler_kind(name, people) == kind]
        if names:
            sources = frozenset().union(*(_sources(kind, name, config) for name in names))
            groups.append(
                LabelerGroup(
                    kind=kind,
                    labelers=tuple(names),
                    n_labels=sum(counts[name] for name in names),
                    sources=sources,
                )
            )
    return groups


def labeler_kind(name: str, people: Collection[str]) -> LabelerKind:
    """Return the kind of the labeler of this name; `people` are the names of the people table.

    Labels hold the name alone. A registered labeler's class says whether it is synthetic.

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


def _sources(kind: LabelerKind, name: str, config: RunConfig) -> frozenset[str]:
    if kind in ("synthetic", "program") and name in LABELERS.names():
        return program_sources(config, name)
    if kind == "synthetic":
        return synthetic_sources(config)
    return frozenset({f"{kind}:{name}"})
