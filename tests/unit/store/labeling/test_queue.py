from dataclasses import replace

import pytest

from prefloop.errors import StoreError
from prefloop.records import Label
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, Batch, ClaimPolicy
from tests.clock_for_tests import MovableClock
from tests.unit.store.asking_for_tests import (
    ALWAYS_GOLD,
    ALWAYS_REPEAT,
    answer,
    ask,
    give,
    make_gold,
    send,
)
from tests.unit.store.records_for_tests import fill, label
from tests.unit.store.sql_for_tests import rows


def batch(store: Store, round: int = 0) -> Batch:
    found = store.queue.batch(round)
    assert found is not None
    return found


def test_opening_a_batch_again_changes_nothing_and_adds_what_is_new(store: Store) -> None:
    store.queue.open_batch(0, [("c0", 2), ("c1", 1)])
    before = rows(store, "queue")
    store.queue.open_batch(0, [("c0", 2), ("c1", 1)])
    assert rows(store, "queue") == before
    store.queue.open_batch(0, [("c1", 1), ("c2", 3)])
    assert rows(store, "queue")[:2] == before
    assert batch(store).wanted == 6
    assert store.queue.batches() == [batch(store)]
    assert store.queue.batch(1) is None


def test_more_people_may_be_asked_than_at_first(store: Store) -> None:
    ask(store, wanted=1)
    send(store, *(answer(view) for view in give(store, n=3)))
    assert give(store, "bob", n=3) == []
    store.queue.open_batch(0, [("c1", 2)])
    assert [view.comparison_id for view in give(store, "bob", n=3)] == ["c1"]
    assert batch(store).wanted == 4


def test_answers_that_were_there_before_count(store: Store) -> None:
    store.add_labels([label(0), replace(label(1, labeler="bob"), answer="skip", chosen=None)])
    store.queue.open_batch(0, [("c0", 1), ("c1", 1)])
    assert (batch(store).wanted, batch(store).answered) == (2, 1)
    store.add_labels([label(2, question=1)])
    assert batch(store).answered == 2
    assert give(store, "carl", n=3) == []
    store.withdraw_label("l2")
    assert [view.comparison_id for view in give(store, "carl", n=3)] == ["c1"]


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        ([("c0", 0)], "comparison c0 is to be answered by 0 people"),
        ([("c9", 1)], "unknown comparison c9"),
        ([("c2", 1)], "comparison c2 is asked in round 5 already"),
    ],
)
def test_impossible_batches_are_refused_whole(
    store: Store, questions: list[tuple[str, int]], told: str
) -> None:
    store.queue.open_batch(5, [("c2", 1)])
    with pytest.raises(StoreError, match=told):
        store.queue.open_batch(0, [("c1", 1), *questions])
    assert [each.round for each in store.queue.batches()] == [5]


def test_more_answers_than_wanted_do_not_make_up_for_others(store: Store) -> None:
    ask(store, wanted=1)
    store.add_labels([label(i, labeler=f"person {i}") for i in range(3)])
    assert (batch(store).answered, batch(store).wanted) == (1, 3)


def test_freezing_is_an_event_and_happens_once(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "before"))
    sequence = store.queue.freeze(0)
    event = store.events()[-1]
    assert (event.sequence, event.kind, event.payload) == (sequence, "batch_frozen", '{"round": 0}')
    assert store.queue.freeze(0) == sequence
    assert len(store.events()) == sequence
    frozen = batch(store)
    assert (frozen.frozen_sequence, frozen.frozen_at is not None) == (sequence, True)
    assert give(store, "bob", n=3) == []
    with pytest.raises(StoreError, match="round 0 is frozen"):
        store.queue.open_batch(0, [("c0", 1)])
    with pytest.raises(StoreError, match="no batch of round 7"):
        store.queue.freeze(7)
    with pytest.raises(StoreError, match="written by adding"):
        store.add_event("batch_frozen", {"round": 1})


def test_what_comes_after_freezing_is_unknown_to_the_round(store: Store) -> None:
    ask(store, wanted=2)
    first, late = give(store)[0], give(store, "bob")[0]
    send(store, answer(first, "first"))
    sequence = store.queue.freeze(0)
    assert send(store, answer(late, "late")) == ["late"]
    assert [x.id for x in store.labels(as_of=sequence)] == ["first"]
    assert [x.id for x in store.labels()] == ["first", "late"]
    before = rows(store, "queue")
    store.rebuild_labels()
    assert rows(store, "queue") == before
    assert give(store, "carl", n=3) == []


def test_the_rate_is_that_of_the_last_ten_minutes(store: Store, clock: MovableClock) -> None:
    ask(store, wanted=9)
    assert batch(store).per_minute is None
    clock.jump(120)
    send(store, *(answer(view) for view in give(store, n=3)))
    assert batch(store).per_minute == pytest.approx(3 / 2, rel=0.1)
    clock.jump(1000)
    assert batch(store).per_minute == 0.0
    send(store, *(answer(view) for view in give(store, "bob", n=2)))
    assert batch(store).per_minute == pytest.approx(2 / 10)


@pytest.mark.parametrize("hours", [-24, 24])
def test_a_clock_that_jumps_neither_freezes_nor_inflates_the_pace(
    store: Store, clock: MovableClock, hours: float
) -> None:
    fill(store, 12)
    ask(store)
    clock.jump(600)
    send(store, *(answer(view) for view in give(store, n=6)))
    clock.jump(3600 * hours)
    assert batch(store).per_minute == 0.0
    clock.jump(600)
    send(store, *(answer(view) for view in give(store, n=2)))
    assert batch(store).per_minute == pytest.approx(2 / 10)


def test_a_view_comes_back_with_its_texts(store: Store) -> None:
    ask(store)
    [view] = give(store)
    assert store.queue.assignment(view.id) == view
    assert store.queue.assignment("nothing") is None
    question = next(c for c in store.comparisons() if c.id == view.comparison_id)
    texts = store.samples_by_id(question.sample_ids)
    assert view.prompt == store.prompts()[int(question.prompt_id[1:])].text
    assert {sample.id: sample.text for sample in view.samples} == {
        name: sample.text for name, sample in texts.items()
    }


def test_own_answers_come_newest_first_and_gold_looks_like_any(
    store: Store, clock: MovableClock
) -> None:
    fill(store, 4)
    ask(store, wanted=5)
    make_gold(store, [2])
    [silent] = give(store, policy=ALWAYS_GOLD)
    assert silent.kind == "gold"
    sent = answer(silent, "gold", note="hm", confidence=0.5)
    send(store, sent)
    expected: list[tuple[Assignment, Label]] = [(silent, sent.label)]
    for name in ("a", "b"):
        clock.jump(60)
        [view] = give(store)
        sent = answer(view, name)
        send(store, sent)
        expected.insert(0, (view, sent.label))
    clock.jump(3600)
    [again] = give(store, policy=ALWAYS_REPEAT)
    assert again.kind == "retest"
    sent = answer(again, "again")
    send(store, sent)
    expected.insert(0, (again, sent.label))
    assert store.own_answers.latest("ann") == expected
    assert store.own_answers.latest("ann", limit=2) == expected[:2]
    assert store.own_answers.latest("bob") == []
    assert store.own_answers.can_edit(x.id for _, x in expected) == {"gold", "a", "b", "again"}
    store.answers.withdraw("b", "ann")
    assert [x.id for _, x in store.own_answers.latest("ann")] == ["again", "a", "gold"]
    store.queue.freeze(0)
    assert store.own_answers.can_edit(x.id for _, x in expected) == set()


def test_progress_counts_gold_as_work_and_training_not_at_all(store: Store) -> None:
    fill(store, 6)
    ask(store, wanted=2)
    make_gold(store, [0], is_training=True)
    make_gold(store, [1])
    assert store.own_answers.progress("ann")["answered"] == 0
    policy = ClaimPolicy(gold_share=1.0, retest_share=0.0, training_items=1)
    kinds = []
    for _ in range(3):
        [view] = give(store, policy=policy)
        kinds.append(view.kind)
        send(store, answer(view))
    assert kinds == ["training", "gold", "regular"]
    progress = store.own_answers.progress("ann")
    assert (progress["answered"], progress["left"]) == (2, 10)
    assert progress["batch"] == batch(store)
    store.queue.give_back([give(store)[0].id], "ann")
    assert store.own_answers.progress("ann")["answered"] == 2


def test_progress_of_an_empty_store(store: Store) -> None:
    assert store.own_answers.progress("ann") == {"answered": 0, "left": 0, "batch": None}
