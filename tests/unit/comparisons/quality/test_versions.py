"""Instructions change: figures are told by version, and compare like with like."""

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.comparisons.quality.versions import labeler_versions, version_figures
from tests.unit.comparisons.quality.answers import check, label

LABELS = [
    label("a", "ann", 0),
    label("a", "bob", 1),
    label("b", "ann", 0, instructions="2"),
    label("b", "bob", 0, instructions="2"),
    label("c", "ann", 0),
    label("c", "bob", 1, instructions="2"),
    label("d", "bob", answer="tie", instructions="2"),
]
CHECKS = [
    check("g", "ann", False),
    check("g", "bob", False),
    check("h", "ann", True, instructions="2"),
    check("a", "ann", True, kind="retest", instructions="2"),
]
EVIDENCE = LabelHistory(labels=LABELS, checks=CHECKS, owners=frozenset({"bob"}))


def test_versions_are_told_apart_oldest_first() -> None:
    first, second = version_figures(EVIDENCE)
    assert (first.version, first.n_labels, first.n_labelers) == ("1", 3, 2)
    assert (second.version, second.n_labels, second.answers) == ("2", 4, {"best": 3, "tie": 1})
    assert first.gold is not None
    assert second.gold is not None
    assert (first.gold.value, second.gold.value) == (0.0, 1.0)


def test_labels_under_different_versions_are_not_compared() -> None:
    first, second = version_figures(EVIDENCE)
    assert first.agreement is not None
    assert second.agreement is not None
    assert (first.agreement.estimate.value, first.agreement.estimate.n) == (0.0, 1)
    assert (second.agreement.estimate.value, second.agreement.estimate.n) == (1.0, 1)
    assert second.with_owners is not None
    assert second.with_owners.value == 1.0


def test_labelers_by_version() -> None:
    found = labeler_versions(EVIDENCE, Thresholds())
    [one, two] = found["ann"]
    assert (one.version, one.n_labels, one.gold.n_right, one.gold.n) == ("1", 2, 0, 1)
    assert (two.gold.n_right, two.consistency.share.n) == (1, 1)
    assert two.consistency.same_order == (1, 1), "the first answer may be of an older version"
    assert one.with_owners is not None
    assert one.with_owners.value == 0.0
    assert [v.version for v in found["bob"]] == ["1", "2"]


def test_one_version_is_the_whole() -> None:
    history = LabelHistory(labels=LABELS[:2])
    assert history.of_version("1") is history
    assert len(history.of_version("2").labels) == 0
