"""Live questions: one batch of their own, given before others and to everybody, never labels."""

import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from prefloop.teamwork import LIVE
from tests.unit.store.asking_for_tests import answer, ask, give, send
from tests.unit.store.labeling.test_judging import held_out, opened, people
from tests.unit.store.records_for_tests import label


def asked(store: Store, *numbers: int, update: int = 7) -> list[str]:
    """Ask live questions about the first two samples of these comparisons."""
    names = held_out(store, *numbers)
    ours = {name: f"s{number}a" for name, number in zip(names, numbers, strict=True)}
    store.live.ask(ours, model=f"policy/update-{update}", update=update)
    return names


def test_what_is_asked_is_kept_with_its_policy_and_asked_once(store: Store) -> None:
    names = asked(store, 0, 1)
    asked(store, 1, 2, update=9)
    found = [(q.comparison_id, q.policy_sample, q.model, q.update) for q in store.live.questions()]
    assert found == [
        (names[0], "s0a", "policy/update-7", 7),
        (names[1], "s1a", "policy/update-7", 7),
        ("held-out-2", "s2a", "policy/update-9", 9),
    ]
    assert store.live.open() == {"held-out-0", "held-out-1", "held-out-2"}
    store.verify_chain()


def test_a_live_question_is_given_before_labels_and_its_answer_is_no_label(store: Store) -> None:
    ask(store)
    asked(store, 0)
    [view] = give(store, "ben", 1)
    assert view.comparison_id == "held-out-0"
    assert send(store, answer(view)) == ["stored"]
    assert store.labels() == [] and store.live.open() == set()
    assert [a.label.labeler for a in store.judging.answers(LIVE)] == ["ben"]
    assert {v.comparison_id for v in give(store, "ben", 2)} < {"c0", "c1", "c2"}


def test_of_several_live_questions_one_is_given_at_a_time(store: Store) -> None:
    ask(store)
    asked(store, 0, 1, 2)
    firsts = [v.comparison_id for v in give(store, "ben", 2)]
    assert firsts[0].startswith("held-out")


def test_those_who_labeled_are_asked_too(file_store: Store) -> None:
    people(file_store, "ann", "ben", "eve", "kim")
    file_store.add_labels([label(1)])
    asked(file_store, 0)
    assert [v.comparison_id for v in give(file_store, "ann", 9)] == ["held-out-0"]


def test_batches_of_verdicts_count_on_beside_it(file_store: Store) -> None:
    asked(file_store, 0)
    assert opened(file_store, 1) == -1
    assert opened(file_store, 2) == -2
    live, *verdicts = file_store.queue.batches()
    assert (live.title, live.is_for_verdicts) == ("live questions", False)
    assert all(batch.is_for_verdicts for batch in verdicts)


def test_what_is_closed_is_asked_no_more_but_an_answer_on_its_way_counts(store: Store) -> None:
    names = asked(store, 0, 1)
    [view] = give(store, "ben", 1)
    store.live.close(names)
    assert store.live.open() == set() and give(store, "eve", 9) == []
    assert send(store, answer(view)) == ["stored"]
    assert len(store.judging.answers(LIVE)) == 1
    batch = store.queue.batch(LIVE)
    assert batch is not None and batch.frozen_at is None


def test_a_question_whose_answers_would_be_labels_is_refused(store: Store) -> None:
    ask(store)
    with pytest.raises(StoreError, match="is no question for verdicts"):
        store.live.ask({"c0": "s0a"}, model="policy/update-1", update=1)
    with pytest.raises(StoreError, match="live_questions_asked"):
        store.add_event("live_questions_asked", {})
