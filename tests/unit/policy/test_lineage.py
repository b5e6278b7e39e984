"""Names of weights: one name, one set of weights, through roll backs and old checkpoints."""

import pytest

from prefloop.errors import InputError
from prefloop.policy.lineage import PolicyLineage, canonical_name, parse_name, read_lineage


def test_without_a_roll_back_a_name_is_the_update() -> None:
    assert PolicyLineage().name_of_update(40) == "policy/update-40"


def test_a_name_says_the_branch_that_made_the_update() -> None:
    """Back from 9 to 6, on to 8, back to 7, on; then back to 4."""
    one = PolicyLineage().forked(6)
    two = one.forked(7)
    assert [one.name_of_update(n) for n in (6, 7, 8)] == [
        "policy/update-6",
        "policy/update-7-branch-1",
        "policy/update-8-branch-1",
    ]
    assert [two.name_of_update(n) for n in (6, 7, 8)] == [
        "policy/update-6",
        "policy/update-7-branch-1",
        "policy/update-8-branch-2",
    ]
    three = two.forked(4)
    assert [three.name_of_update(n) for n in (4, 5, 8)] == [
        "policy/update-4",
        "policy/update-5-branch-3",
        "policy/update-8-branch-3",
    ]


def test_a_branch_that_made_no_update_leaves_no_name() -> None:
    twice = PolicyLineage().forked(6).forked(6)
    assert twice.branch == 2
    assert twice.name_of_update(7) == "policy/update-7-branch-2"


def test_a_branch_number_is_never_used_twice() -> None:
    """The checkpoint that is gone back to may know of fewer branches than there were."""
    assert PolicyLineage().forked(2, above=5).branch == 6


def test_a_round_is_the_update_with_which_it_ended() -> None:
    lineage = PolicyLineage().with_round(0, 6).with_round(1, 12)
    names = [lineage.name_of_round(r, made=12) for r in (0, 1)]
    assert names == ["policy/update-6", "policy/update-12"]
    assert lineage.with_round(1, 20).name_of_round(1, made=20) == "policy/update-20"
    with pytest.raises(InputError, match="policy/round-2 does not exist"):
        lineage.name_of_round(2, made=12)


def test_a_round_that_is_still_trained_has_no_name() -> None:
    """Its end is known beforehand; the weights are not there, and the current ones are others."""
    lineage = PolicyLineage().with_round(0, 6)
    assert not lineage.has_ended(0, made=5) and lineage.has_ended(0, made=6)
    with pytest.raises(InputError, match=r"round 0 ends with update 6, and 5 are made\. .*-5\."):
        lineage.name_of_round(0, made=5)


def test_names_are_read_back() -> None:
    assert parse_name(canonical_name(40, 0)) == (40, 0)
    assert parse_name(canonical_name(7, 12)) == (7, 12)
    for other in (
        "policy/round-1",
        "reference",
        "policy/update-",
        "policy/update-4-branch-x",
        "a/b",
    ):
        assert parse_name(other) is None


def test_a_lineage_survives_its_checkpoint() -> None:
    lineage = PolicyLineage(rolled_back_by="c", label_cutoff=3).with_round(0, 6).forked(6)
    assert read_lineage({"lineage": lineage.state()}, []) == lineage


def test_checkpoints_of_version_0_1_name_branches_by_round() -> None:
    lines = [
        {"stage": stage, "round": r, "update": u}
        for stage, r, u in (
            *(("policy", 0, 1), ("policy", 0, 2), ("rewards", 1, 99)),
            *(("policy", 1, 3), ("policy", 1, 4), ("policy", 2, 5)),
        )
    ]
    course = {
        "branch": 3,
        "rolled_back_by": "c",
        "known_until": 17,
        "made_in": {"0": 0, "1": 1, "2": 3},
    }
    lineage = read_lineage({"course": course}, lines)
    assert (lineage.branch, lineage.rolled_back_by, lineage.label_cutoff) == (3, "c", 17)
    assert [lineage.name_of_round(r, made=99) for r in (0, 1, 2)] == [
        "policy/update-2",
        "policy/update-4-branch-1",
        "policy/update-5-branch-3",
    ]
    assert lineage.forked(5).branch == 4


def test_still_earlier_checkpoints_say_nothing() -> None:
    lines = [{"stage": "policy", "round": 0, "update": 2}]
    assert read_lineage({}, lines) == PolicyLineage(round_ends={"0": 2})
