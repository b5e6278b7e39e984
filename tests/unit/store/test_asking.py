"""When nobody has anything left to answer, and how questions leave a batch."""

from dataclasses import replace

from prefloop.store.store import Store
from tests.unit.store.records_for_tests import label, tie


def wanted(store: Store) -> tuple[int, int]:
    batch = store.queue.batch(0)
    assert batch is not None
    return batch.answered, batch.wanted


def test_a_batch_is_exhausted_when_everybody_who_may_label_has_answered_it(store: Store) -> None:
    store.queue.open_batch(0, [("c0", 2), ("c2", 1)])
    assert not store.queue.is_exhausted(0), "somebody may still be invited"
    store.people.add("vera", "viewer")
    assert not store.queue.is_exhausted(0), "viewers do not label"
    store.people.add("ann", "labeler")
    assert not store.queue.is_exhausted(0)
    store.add_labels([label(0), label(2, question=2)])
    assert store.queue.is_exhausted(0), "c0 wants a second person, and there is none"
    ben = store.people.add("ben", "owner")
    assert not store.queue.is_exhausted(0)
    store.people.add("carl", "owner")
    store.people.disable(ben.id)
    store.add_labels([replace(tie(9, labeler="carl"), answer="skip")])
    assert store.queue.is_exhausted(0), "carl skipped it and ben is locked out"
    store.withdraw_label("l0")
    assert not store.queue.is_exhausted(0), "ann may answer c0 again"


def test_questions_that_are_asked_no_longer_leave_their_answers(store: Store) -> None:
    store.people.add("ann", "labeler")
    store.queue.open_batch(0, [("c0", 3), ("c2", 2)])
    store.add_labels([label(0)])
    store.queue.ask_only(0, ["c2"])
    assert wanted(store) == (1, 3)
    assert [x.id for x in store.labels()] == ["l0"]
    store.add_labels([label(2, question=2)])
    assert store.queue.is_exhausted(0)
    store.rebuild_labels()
    assert wanted(store) == (2, 3)
    store.queue.ask_only(0, ["c2"])
    assert wanted(store) == (2, 3), "asking the same again changes nothing"
    store.queue.open_batch(0, [("c0", 2)])
    assert wanted(store) == (2, 4), "what is asked again is open again"
