"""A batch is for whoever is free, for some people, or for people with shares of it."""

import json
import math

import pytest

from prefloop.errors import StoreError
from prefloop.store.labeling.shares import quotas
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy
from tests.clock_for_tests import MovableClock
from tests.unit.store.asking_for_tests import WORK_ONLY, answer, ask, give, make_gold, send
from tests.unit.store.records_for_tests import fill

NAMES = ("ann", "bob", "carl", "dora")


@pytest.fixture
def team(store: Store) -> Store:
    """Twelve questions, each wanted once, and four labelers."""
    fill(store, 12)
    ask(store)
    for name in NAMES:
        store.people.add(name, "labeler")
    return store


def take_all(store: Store, labeler: str, *, kind: str = "best") -> int:
    """Let somebody answer all that they are given, two at a time; return how many."""
    n = 0
    while views := give(store, labeler, 2):
        send(store, *(answer(view, answer=kind) for view in views))
        n += len(views)
    return n


def _given(store: Store, labeler: str, comparison_id: str) -> Assignment:
    """Let somebody give questions back until they are given this one."""
    for seed in range(50):
        [view] = give(store, labeler, seed=seed)
        if view.comparison_id == comparison_id:
            return view
        store.queue.give_back([view.id], labeler)
    raise AssertionError(f"{labeler} is never given {comparison_id}")


def test_without_an_assignment_it_is_for_whoever_is_free(team: Store) -> None:
    assert team.batch_shares.of(0) == {}
    assert take_all(team, "carl") == 12


def test_a_batch_for_one_person_is_given_to_nobody_else(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": None}, "owner")
    assert give(team, "bob", 4) == []
    assert team.own_answers.progress("bob")["left"] == 0
    assert team.queue.waited_for(0) == ["ann"]
    assert take_all(team, "ann") == 12
    assert team.queue.is_exhausted(0)


def test_shares_are_kept_and_the_rest_is_for_all_others_together(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": 0.5, "bob": 0.25}, "owner")
    assert take_all(team, "carl") == 3
    assert take_all(team, "dora") == 0
    assert take_all(team, "ann") == 6
    assert team.queue.waited_for(0) == ["bob"]
    assert not team.queue.is_exhausted(0)
    assert take_all(team, "bob") == 3
    batch = team.queue.batch(0)
    assert batch is not None and batch.answered == batch.wanted == 12


def test_shares_that_add_up_to_all_leave_nothing_for_others(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": 0.1, "bob": 0.2, "carl": 0.7}, "owner")
    assert [take_all(team, name) for name in ("dora", "carl", "bob", "ann")] == [0, 8, 3, 1]


def test_what_is_on_screen_counts_towards_a_share(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": 0.25}, "owner")
    held = give(team, "ann", 4)
    assert len(held) == 3
    assert len(give(team, "bob", 12)) == 9
    team.queue.give_back([held[0].id], "ann")
    assert len(give(team, "ann", 4)) == 3


def test_a_skip_uses_nothing_up(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": 0.25}, "owner")
    [view] = give(team, "ann")
    send(team, answer(view, answer="skip"))
    assert take_all(team, "ann") == 3


def test_what_is_on_screen_stays_when_the_assignment_changes(
    team: Store, clock: MovableClock
) -> None:
    held = give(team, "bob", 2)
    team.batch_shares.assign(0, {"ann": None}, "owner")
    assert give(team, "bob", 2) == held
    assert send(team, answer(held[0])) == ["stored"]
    clock.jump(WORK_ONLY.lease_seconds + 1)
    assert team.queue.renew([held[1].id], "bob") == []
    assert give(team, "bob", 2) == []
    assert send(team, answer(held[1])) == ["stored"], "a late answer is kept"
    team.batch_shares.assign(0, {}, "owner")
    assert len(give(team, "bob", 2)) == 2


def test_another_batch_is_not_touched_and_gold_goes_with_the_work(team: Store) -> None:
    fill(team, 16)
    team.queue.open_batch(1, [(f"c{i}", 1) for i in range(12, 16)])
    make_gold(team, [0])
    team.batch_shares.assign(0, {"ann": None}, "owner")
    views = give(team, "bob", 9, policy=ClaimPolicy(gold_share=0.5, retest_share=0.0))
    regular = {v.comparison_id for v in views if v.kind == "regular"}
    assert regular == {f"c{i}" for i in range(12, 16)}
    assert give(team, "carl", 2, policy=ClaimPolicy(gold_share=1.0, retest_share=0.0)) == []


@pytest.mark.parametrize("how", ["locked out", "excluded", "failed"])
@pytest.mark.parametrize("share", [None, 0.75])
def test_what_is_for_somebody_who_can_no_longer_answer_is_for_whoever_is_free(
    team: Store, share: float | None, how: str
) -> None:
    team.batch_shares.assign(0, {"ann": share}, "owner")
    ann = team.people.by_name("ann")
    assert ann is not None
    if how == "locked out":
        team.people.disable(ann.id)
    elif how == "excluded":
        team.exclusions.apply("too fast", "ann", "one second each", "owner")
    else:
        team.exclusions.qualify(ann.id, has_passed=False)
    assert not team.queue.is_exhausted(0)
    assert team.queue.waited_for(0) == ["bob", "carl", "dora"]
    assert take_all(team, "bob") == 12
    assert team.batch_shares.of(0) == {"ann": share}, "it holds again once they are let in"


def test_of_two_people_one_stays(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": None, "bob": None}, "owner")
    team.exclusions.apply("too fast", "ann", "one second each", "owner")
    assert team.queue.waited_for(0) == ["bob"]


def test_an_answer_too_many_leaves_no_question_that_nobody_is_given(
    store: Store, clock: MovableClock
) -> None:
    fill(store, 2)
    store.instructions.publish("3", "Which is best?", "Read.", False, "owner")
    store.queue.open_batch(0, [("c0", 1), ("c1", 1)])
    for name in NAMES[:2]:
        store.people.add(name, "labeler")
    store.batch_shares.assign(0, {"ann": 0.5, "bob": 0.5}, "owner")
    [late] = give(store, "ann", 2)
    clock.jump(WORK_ONLY.lease_seconds + 1)
    assert send(store, answer(_given(store, "bob", late.comparison_id))) == ["stored"]
    assert send(store, answer(late)) == ["stored"]
    assert store.queue.waited_for(0) == ["ann"], "bob has given his half"
    assert give(store, "bob", 2) == []
    assert take_all(store, "ann") == 1
    batch = store.queue.batch(0)
    assert batch is not None and batch.answered == batch.wanted == 2


def test_it_is_an_event_and_a_closed_batch_is_refused(team: Store) -> None:
    team.batch_shares.assign(0, {"ann": 0.5}, "owner")
    event = team.events()[-1]
    assert (event.kind, json.loads(event.payload)) == (
        "batch_assigned",
        {"round": 0, "shares": {"ann": 0.5}, "by": "owner"},
    )
    with pytest.raises(StoreError, match="written by adding"):
        team.add_event("batch_assigned", {})
    team.queue.freeze(0)
    with pytest.raises(StoreError, match="Batch 0 is closed"):
        team.batch_shares.assign(0, {}, "owner")
    with pytest.raises(StoreError, match="There is no batch 7"):
        team.batch_shares.assign(7, {}, "owner")


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"eve": None}, "nobody called 'eve'"),
        ({"vera": None}, "vera is a viewer"),
        ({"ann": 0.0}, "ann has the share 0.0"),
        ({"ann": -0.5}, "more than 0, at most 1"),
        ({"ann": 1.5}, "at most 1"),
        ({"ann": math.nan}, "ann has the share nan"),
        ({"ann": 0.6, "bob": 0.6}, "add up to 1.2"),
        ({"ann": 0.5, "bob": None}, "give one to everybody or nobody"),
        ({"dora": 0.5}, "dora is locked out"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    team: Store, shares: dict[str, float | None], said: str
) -> None:
    team.people.add("vera", "viewer")
    dora = team.people.by_name("dora")
    assert dora is not None
    team.people.disable(dora.id)
    team.batch_shares.assign(0, {"bob": None}, "owner")
    with pytest.raises(StoreError, match=said):
        team.batch_shares.assign(0, shares, "owner")
    assert team.batch_shares.of(0) == {"bob": None}


def test_quotas_add_up_whatever_the_shares() -> None:
    thirds = dict.fromkeys(NAMES[:3], 1 / 3)
    for wanted in range(50):
        found = quotas(thirds, wanted)
        assert sum(found.values()) == wanted
        assert max(found.values()) - min(found.values()) <= 1
