"""Who labeled, by kind, from the store; and what a judge shares with them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.labelers.sources import labeler_groups
from prefloop.registry import overlapping_sources
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from tests.unit.comparisons.builders import make_label, make_question


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        yield opened


def answered_by(store: Store, names: Sequence[str]) -> Store:
    question = make_question(["One.", "Two."])
    store.add_all(
        prompts=[question.prompt],
        samples=question.samples,
        comparisons=[question.comparison],
        labels=[make_label(question.comparison, name, "tie") for name in names],
    )
    return store


def run(**comparisons: Any) -> RunConfig:
    return parse_run({"comparisons": comparisons}, "run.yaml")


def test_people_are_their_own_sources(store: Store) -> None:
    store.people.add("ann", "labeler")
    store.people.add("bob", "owner")
    [group] = labeler_groups(answered_by(store, ["bob", "ann"]), run(labelers="people"))
    assert (group.kind, group.labelers, group.n_labels) == ("person", ("ann", "bob"), 2)
    assert group.sources == {"person:ann", "person:bob"}
    assert overlapping_sources({"person:ann"}, group.sources) == {"person:ann"}
    assert not overlapping_sources({"person:eve", "length"}, group.sources)


def test_synthetic_labelers_rest_on_their_scorers(store: Store) -> None:
    config = run(synthetic={"scorers": {"length": 1.0, "imagery": 0.5, "copying": 0.0}})
    [group] = labeler_groups(answered_by(store, ["synthetic-0", "synthetic-11"]), config)
    assert (group.kind, group.n_labels) == ("synthetic", 2)
    assert group.sources == {"length", "concrete nouns"}


def test_synthetic_labels_from_before_people_labeled_count(store: Store) -> None:
    store.people.add("ann", "labeler")
    config = run(labelers="people", synthetic={"scorers": {"length": 1.0}})
    groups = labeler_groups(answered_by(store, ["ann", "synthetic-1"]), config)
    assert [(g.kind, g.labelers) for g in groups] == [
        ("person", ("ann",)),
        ("synthetic", ("synthetic-1",)),
    ]
    assert groups[1].sources == {"length"}


def test_imported_labels_are_their_labelers(store: Store) -> None:
    [group] = labeler_groups(answered_by(store, ["worker-7", "openai"]), run(labelers="none"))
    assert (group.kind, group.labelers) == ("imported", ("openai", "worker-7"))
    assert group.sources == {"imported:openai", "imported:worker-7"}


def test_an_owner_whose_verdict_trains_has_labeled(store: Store) -> None:
    store.people.add("ann", "labeler")
    store.people.add("olga", "owner")
    [question] = answered_by(store, ["ann"]).comparisons()
    store.adjudications.decide(OwnersVerdict(comparison_id=question.id, answer="tie"), "olga")
    [group] = labeler_groups(store, run(labelers="people"))
    assert (group.labelers, group.n_labels) == (("ann", "olga"), 2)
    assert overlapping_sources({"person:olga"}, group.sources) == {"person:olga"}


def test_nobody_has_labeled_yet(store: Store) -> None:
    assert labeler_groups(store, run()) == []
