"""Questions for verdicts: their answers are no labels, and those who labeled are not asked."""

from dataclasses import replace

import pytest

from prefloop.comparisons.exchange.exporter import load_comparisons
from prefloop.errors import StoreError
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.labeling.independence import ENOUGH_INDEPENDENT, HELD_OUT
from prefloop.store.labeling.receipts import Receipt
from prefloop.store.store import Store
from prefloop.teamwork import Gold, JudgingTerms
from tests.clock_for_tests import MovableClock
from tests.unit.store.asking_for_tests import (
    ALWAYS_GOLD,
    ALWAYS_REPEAT,
    WORK_ONLY,
    answer,
    ask,
    give,
    known,
    make_gold,
    receipts,
    send,
)
from tests.unit.store.records_for_tests import comparison, label


def held_out(store: Store, *numbers: int) -> list[str]:
    """Add questions for verdicts about the first two samples of these comparisons."""
    store.instructions.publish("3", "Which is best?", "Read all of them.", False, "owner")
    asked = [
        replace(
            comparison(number),
            id=f"held-out-{number}",
            sample_ids=comparison(number).sample_ids[:2],
            split=HELD_OUT,
            label_type="pairs",
        )
        for number in numbers
    ]
    store.add_comparisons(asked)
    return [each.id for each in asked]


def opened(store: Store, *numbers: int, people: int = 1, looks: int = 4) -> int:
    """Ask for verdicts; return the number of the batch."""
    return store.judging.open(held_out(store, *numbers), answers=people, looks=looks)


def people(store: Store, *names: str) -> None:
    for name in names:
        store.people.add(name, "labeler")


def test_answers_that_are_verdicts_are_labels_of_nothing(store: Store) -> None:
    """Were they labels, a reward model could learn from them: this is the one list it reads."""
    number = opened(store, 0, 1)
    store.add_labels([label(0)])
    for view in give(store, "ben", 2):
        assert send(store, answer(view)) == ["stored"]
    assert [x.id for x in store.labels()] == ["l0"]
    for split in ("train", "validation", "held_out"):
        assert {x.labeler for x in store.labels(split=split)} <= {"ann"}
    assert {x.split for x in store.comparisons()} == {"train", "validation"}
    assert store.comparisons(split="held_out") == []
    assert {x.comparison.id for x in store.recent.questions(limit=9)} == {"c0", "c1", "c2"}
    assert store.recent.questions(limit=9, only=["held-out-0"]) == []
    assert {x.comparison.id for x in load_comparisons(store)} == {"c0", "c1", "c2"}
    assert [a.label.labeler for a in store.judging.answers(number)] == ["ben", "ben"]
    store.rebuild_labels()
    assert [x.id for x in store.labels()] == ["l0"]
    assert len(store.judging.answers(number)) == 2
    batch = store.queue.batch(number)
    assert batch is not None and (batch.answered, batch.wanted) == (2, 2)


def test_batches_of_verdicts_have_numbers_below_those_of_rounds(file_store: Store) -> None:
    ask(file_store)
    first = opened(file_store, 0)
    assert opened(file_store, 0) == first == -1
    assert opened(file_store, 1, 2) == -2
    assert file_store.judging.find(["held-out-2", "unknown"]) == -2
    assert file_store.judging.find(["unknown"]) is None
    assert [each.id for each in file_store.judging.questions(-2)] == ["held-out-1", "held-out-2"]
    assert [batch.title for batch in file_store.queue.batches()] == [
        "round 0",
        "verdicts 1",
        "verdicts 2",
    ]


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_batch_of_verdicts_stays_as_it_was_opened(store: Store, is_closed: bool) -> None:
    """More questions or other looks would change how often it errs."""
    number = opened(store, 0, people=3, looks=2)
    if is_closed:
        store.queue.freeze(number)
    before = store.events()
    assert opened(store, 0, 1, people=1, looks=9) == number
    assert [event.kind for event in store.events()[len(before) :]] == ["comparisons_stored"]
    assert [each.id for each in store.judging.questions(number)] == ["held-out-0"]
    assert store.judging.terms(number) == JudgingTerms(questions=1, answers=3, looks=2)
    other = opened(store, 2, people=1, looks=9)
    assert store.judging.terms(other) == JudgingTerms(questions=1, answers=1, looks=9)
    batch = store.queue.batch(number)
    assert batch is not None and batch.wanted == 3
    with pytest.raises(StoreError, match="does not say how the judging -7 was opened"):
        store.judging.terms(-7)


def test_those_who_labeled_are_not_asked_where_enough_others_are(store: Store) -> None:
    people(store, "ann", "ben", "eve")
    store.add_labels([label(0)])
    number = opened(store, 0, people=3)
    assert store.judging.independent_people() == ["ben", "eve"]
    assert len(store.judging.independent_people()) < ENOUGH_INDEPENDENT
    [view] = give(store, "ann")
    store.queue.give_back([view.id], "ann")
    people(store, "kim")
    assert give(store, "ann") == [], "three others can judge"
    assert store.queue.waited_for(number) == ["ben", "eve", "kim"]
    assert [len(give(store, name)) for name in ("ben", "eve", "kim")] == [1, 1, 1]


def test_those_who_labeled_still_label(file_store: Store) -> None:
    people(file_store, "ann", "ben", "eve", "kim")
    ask(file_store, wanted=2)
    opened(file_store, 0, 1, 2)
    file_store.add_labels([label(0)])
    given = give(file_store, "ann", 6)
    assert {view.comparison_id for view in given} == {"c1", "c2"}
    assert len(give(file_store, "ben", 6)) == 6


def test_whoever_withdrew_a_label_labeled_for_training_all_the_same(file_store: Store) -> None:
    people(file_store, "ann", "ben", "eve", "kim")
    ask(file_store)
    send(file_store, answer(give(file_store, "ann")[0], "one"))
    file_store.queue.freeze(0)
    file_store.answers.withdraw("one", "ann")
    assert file_store.judging.independent_people() == ["ben", "eve", "kim"]


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_an_owner_whose_verdict_trained_is_not_asked_either(
    store: Store, is_withdrawn: bool
) -> None:
    people(store, "ann", "ben", "eve")
    store.people.add("olga", "owner")
    store.people.add("otto", "owner")
    opened(store, 0, people=3)
    decided = OwnersVerdict(comparison_id="c1", answer="tie")
    made = store.adjudications.decide(decided, "olga")
    if is_withdrawn:
        store.adjudications.withdraw(made.id, "olga")
    assert give(store, "olga") == [], "three others can judge"
    assert len(give(store, "otto")) == 1
    # Who decided as an owner and is a labeler by now, too.
    store.adjudications.decide(OwnersVerdict(comparison_id="c2", answer="tie"), "eve")
    assert store.judging.independent_people() == ["ann", "ben"]


def test_nobody_judges_two_contests_on_one_prompt(store: Store) -> None:
    """Both show the same text of the baseline, so the other text would be known as the model's."""
    people(store, "ann")
    first = opened(store, 0, 1)
    names = held_out(store, 0, 1)
    for name in names:
        twin = next(x for x in store.judging.questions(first) if x.id == name)
        ids = comparison(int(name[-1])).sample_ids
        store.add_comparisons([replace(twin, id=f"{name}-b", sample_ids=(ids[0], ids[2]))])
    second = store.judging.open([f"{name}-b" for name in names], answers=1, looks=4)
    assert first != second
    views = give(store, "ann", 9)
    assert len(views) == 2
    assert len({view.prompt for view in views}) == 2
    assert {view.id for view in give(store, "ann", 9)} == {view.id for view in views}, "held"
    for view in views:
        send(store, answer(view))
    assert give(store, "ann", 9) == []
    assert store.queue.waited_for(first) == store.queue.waited_for(second) == []
    people(store, "ben")
    assert len(give(store, "ben", 9)) == 2


def test_judging_alone_makes_nobody_a_labeler(file_store: Store) -> None:
    people(file_store, "ann", "ben", "eve")
    opened(file_store, 0, 1)
    [view] = give(file_store, "ann")
    send(file_store, answer(view))
    assert file_store.judging.independent_people() == ["ann", "ben", "eve"]
    assert len(give(file_store, "ann")) == 1


def test_answers_are_those_of_an_event_of_the_ledger(file_store: Store) -> None:
    number = opened(file_store, 0, 1)
    first, second = give(file_store, "ann", 2)
    send(file_store, answer(first, "one"))
    frozen = file_store.events()[-1].sequence
    file_store.answers.withdraw("one", "ann")
    send(file_store, answer(second, "two"))
    at_that_event = file_store.judging.answers(number, as_of=frozen)
    assert [(a.label.id, a.ended_by) for a in at_that_event] == [("one", None)]
    now = file_store.judging.answers(number)
    assert [(a.label.id, a.ended_by is None) for a in now] == [("one", False), ("two", True)]


def test_answers_of_somebody_who_is_left_out_do_not_judge(file_store: Store) -> None:
    people(file_store, "ann")
    number = opened(file_store, 0)
    send(file_store, answer(give(file_store, "ann")[0]))
    file_store.exclusions.apply("guessing", "ann", "she guessed", "owner")
    assert file_store.judging.answers(number) == []


def test_an_answer_that_comes_late_is_kept_and_says_what_it_is_worth(file_store: Store) -> None:
    ask(file_store)
    number = opened(file_store, 0)
    views = give(file_store, "ann", 4)
    file_store.queue.freeze(number)
    file_store.queue.freeze(0)
    told = {v.comparison_id: receipts(file_store, answer(v))[0] for v in views}
    assert told.keys() == {"c0", "c1", "c2", "held-out-0"}
    # All alike: another answer for verdicts would tell them from questions for labels.
    assert {replace(receipt, label_id="") for receipt in told.values()} == {
        Receipt(label_id="", outcome="late")
    }


def test_questions_for_labels_are_no_questions_for_verdicts(file_store: Store) -> None:
    with pytest.raises(StoreError, match="c0 is no question for verdicts"):
        file_store.judging.open(["c0"], answers=1, looks=4)


def test_no_check_of_another_kind_stands_among_questions_for_verdicts(
    store: Store, clock: MovableClock
) -> None:
    """A choice of four among pairs would be known as a check, and so would a text of training."""
    opened(store, 0, 1, 2)
    pair = replace(
        comparison(1), id="c9", sample_ids=comparison(1).sample_ids[:2], label_type="pairs"
    )
    store.add_comparisons([pair])
    make_gold(store, [0])
    store.gold.add(gold("c9", pair.sample_ids[0]))
    assert {view.kind for view in give(store, "ann", 3, policy=ALWAYS_GOLD)} == {"regular"}
    store.gold.add(gold("held-out-2", known(2)))
    kinds = {view.comparison_id: view.kind for view in give(store, "ben", 9, policy=ALWAYS_GOLD)}
    assert kinds == {}, "ann holds all of them"
    clock.jump(2 * WORK_ONLY.lease_seconds)
    kinds = {view.comparison_id: view.kind for view in give(store, "ben", 2, policy=ALWAYS_GOLD)}
    assert kinds["held-out-2"] == "gold"


def test_only_verdicts_are_tested_again_among_questions_for_verdicts(
    store: Store, clock: MovableClock
) -> None:
    ask(store)
    [work] = give(store, "ann")
    send(store, answer(work))
    clock.jump(2 * ALWAYS_REPEAT.retest_after_seconds)
    store.queue.freeze(0)
    opened(store, 0, 1, 2)
    views = give(store, "ann", 2, policy=ALWAYS_REPEAT)
    assert [view.kind for view in views] == ["regular", "regular"]
    send(store, answer(views[0]))
    clock.jump(2 * ALWAYS_REPEAT.retest_after_seconds)
    again = give(store, "ann", 2, policy=ALWAYS_REPEAT)
    assert [v.comparison_id for v in again if v.kind == "retest"] == [views[0].comparison_id]


def gold(name: str, chosen: str) -> Gold:
    return Gold(
        comparison_id=name, chosen=chosen, explanation="", is_training=False, created_by="owner"
    )
