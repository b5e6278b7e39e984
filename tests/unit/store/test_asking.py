"""When nobody has anything left to answer, and how questions leave a batch."""

from dataclasses import replace

from prefloop.store.store import Store
from tests.unit.store.records_for_tests import label, tie


def wanted(store: Store) -> tuple[int, int]:
    batch = store.queue.batch(0)
    assert batch is not None
    return batch.answered, batch.wanted


def test_a_batch_is_exhausted_when_everybody_who_labels_has_answered_it(store: Store) -> None:
    store.queue.open_batch(0, [("c0", 2), ("c2", 1)])
    assert not store.queue.is_exhausted(0), "somebody may still be invited"
    store.people.add("vera", "viewer")
    store.people.add("olga", "owner")
    assert not store.queue.is_exhausted(0), "viewers do not label, and this owner has not yet"
    store.people.add("ann", "labeler")
    assert not store.queue.is_exhausted(0)
    store.add_labels([label(0), label(2, question=2)])
    assert store.queue.is_exhausted(0), "c0 wants a second person, and there is none"
    store.people.add("ben", "labeler")
    assert not store.queue.is_exhausted(0)
    store.add_labels([replace(tie(9, labeler="ben"), answer="skip")])
    assert store.queue.is_exhausted(0), "ben skipped it"
    carl = store.people.add("carl", "labeler")
    assert not store.queue.is_exhausted(0)
    store.people.disable(carl.id)
    assert store.queue.is_exhausted(0), "carl is locked out"
    store.withdraw_label("l0")
    assert not store.queue.is_exhausted(0), "ann may answer c0 again"


def test_an_owner_who_labels_is_waited_for(store: Store) -> None:
    store.people.add("olga", "owner")
    store.queue.open_batch(0, [("c0", 1), ("c2", 2)])
    store.add_labels([label(0, labeler="olga")])
    assert not store.queue.is_exhausted(0)
    store.add_labels([label(2, labeler="olga", question=2)])
    assert store.queue.is_exhausted(0), "nobody else is there"


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
