"""A question that somebody flags as harmful is held at once, whatever it is to whom."""

from typing import Any

import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy
from tests.unit.store.asking_for_tests import (
    ALWAYS_GOLD,
    answer,
    ask,
    give,
    make_gold,
    send,
)
from tests.unit.store.records_for_tests import own_events

REPEAT_NOW = ClaimPolicy(gold_share=0.0, retest_share=1.0, retest_after_seconds=0.0)
HARM = "Harmful: it should not be shown to anyone"


def flag(store: Store, view: Assignment, name: str = "flag-1", **changes: Any) -> None:
    harmful = answer(view, name, answer="flag", note=HARM, is_harmful=True, **changes)
    assert send(store, harmful) == ["stored"]


def asked(store: Store, who: str, n: int = 9) -> set[str]:
    """The questions that somebody gets or holds."""
    return {view.comparison_id for view in give(store, who, n=n)}


def test_a_harmful_question_is_handed_out_no_more_until_an_owner_releases_it(store: Store) -> None:
    ask(store, wanted=2)
    [view] = give(store, "ann")
    flag(store, view)
    [held] = store.holds.in_force()
    assert (held.comparison_id, held.answer_id, held.held_by, held.reason) == (
        view.comparison_id,
        "flag-1",
        "ann",
        HARM,
    )
    assert len(asked(store, "bob")) == 2
    assert view.comparison_id not in asked(store, "bob")
    released = store.holds.release(view.comparison_id, "olga")
    assert (released.released_by, store.holds.in_force()) == ("olga", [])
    assert view.comparison_id in asked(store, "bob")
    assert store.holds.release(view.comparison_id, "eve").released_by == "olga"
    kinds = [event.kind for event in own_events(store)]
    assert kinds[1:] == ["label", "question_held", "question_released"]


def test_a_question_in_somebodys_lease_is_taken_back(store: Store) -> None:
    ask(store, wanted=2)
    views = give(store, "bob", n=9)
    [ann_view] = [v for v in give(store, "ann", n=9) if v.comparison_id == "c1"]
    [bob_view] = [v for v in views if v.comparison_id == "c1"]
    flag(store, ann_view)
    others = [view.id for view in views if view.comparison_id != "c1"]
    assert sorted(store.queue.renew([view.id for view in views], "bob")) == sorted(others)
    assert [view.id for view in give(store, "bob", n=9)] == others
    # Who has it on screen and answers all the same loses nothing.
    assert send(store, answer(bob_view, "late")) == ["stored"]
    assert [label.id for label in store.labels()] == ["flag-1", "late"]


def test_a_flag_that_is_sent_twice_holds_once_and_taking_it_back_releases_nothing(
    store: Store,
) -> None:
    ask(store, wanted=2)
    [view] = give(store, "ann")
    harmful = answer(view, "flag-1", answer="flag", note=HARM, is_harmful=True)
    assert send(store, harmful, harmful) == ["stored", "same"]
    store.holds.release(view.comparison_id, "olga")
    assert send(store, harmful) == ["same"]
    assert store.holds.in_force() == [], "a page that sends again after the release"
    [other] = give(store, "bob")
    flag(store, other, "flag-2")
    store.answers.withdraw("flag-2", "bob")
    assert [held.comparison_id for held in store.holds.in_force()] == [other.comparison_id]
    assert other.comparison_id not in asked(store, "bob")


def test_a_held_question_is_no_gold_and_no_retest_either(store: Store) -> None:
    ask(store, wanted=9)
    make_gold(store, [0])
    [view] = [v for v in give(store, "ann", n=9) if v.comparison_id == "c0"]
    [silent] = [v for v in give(store, "dan", policy=ALWAYS_GOLD) if v.kind == "gold"]
    flag(store, view)
    assert {v.kind for v in give(store, "bob", n=9, policy=ALWAYS_GOLD)} == {"regular"}
    assert store.queue.renew([silent.id], "dan") == []
    [own] = [v for v in give(store, "eve", n=9) if v.comparison_id == "c1"]
    send(store, answer(own))
    store.queue.give_back([v.id for v in give(store, "eve", n=9)], "eve")
    [again] = [v for v in give(store, "fay", n=9) if v.comparison_id == "c1"]
    flag(store, again, "flag-3")
    assert {v.kind for v in give(store, "eve", n=1, policy=REPEAT_NOW)} == {"regular"}
    store.queue.give_back([v.id for v in give(store, "eve", n=9)], "eve")
    store.holds.release("c1", "olga")
    assert {v.kind for v in give(store, "eve", n=1, policy=REPEAT_NOW)} == {"retest"}


def test_a_plain_flag_and_a_closed_batch_stay_as_they_were(store: Store) -> None:
    ask(store, wanted=2)
    [view] = give(store, "ann")
    assert send(store, answer(view, answer="flag", note="The prompt is broken")) == ["stored"]
    assert store.holds.in_force() == []
    assert view.comparison_id in asked(store, "bob")
    [second] = give(store, "ann")
    flag(store, second)
    store.queue.freeze(0)
    store.holds.release(second.comparison_id, "olga")
    assert asked(store, "eve") == set(), "a frozen batch is not opened by a release"
    with pytest.raises(StoreError, match="never on hold"):
        store.holds.release("c9", "olga")


def test_an_edit_to_a_harm_flag_holds_too(store: Store) -> None:
    ask(store, wanted=2)
    [view] = give(store, "ann")
    send(store, answer(view, "first"))
    flag(store, view, "second", replaces="first")
    assert [held.answer_id for held in store.holds.in_force()] == ["second"]
