import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import own_events


def test_versions_come_back_and_the_last_is_in_force(store: Store) -> None:
    with pytest.raises(StoreError, match="No instructions were published"):
        store.instructions.current()
    first = store.instructions.publish("1", "Which is best?", "Look.", True, "ann")
    second = store.instructions.publish("1.1", "Which is best?", "Look twice.", False, "ann")
    assert (first.version, first.question, first.text) == ("1", "Which is best?", "Look.")
    assert (first.is_major, second.is_major, first.created_by) == (True, False, "ann")
    assert store.instructions.current() == second
    assert store.instructions.all() == [first, second]
    assert store.instructions.by_version("1") == first
    assert store.instructions.by_version("2") is None
    assert [event.kind for event in own_events(store)] == ["instructions_published"] * 2
    assert '"text": "Look twice."' in own_events(store)[1].payload


def test_publishing_again_changes_nothing(store: Store) -> None:
    first = store.instructions.publish("1", "Which?", "Look.", True, "ann")
    second = store.instructions.publish("2", "Which?", "Look twice.", True, "ann")
    assert store.instructions.publish("1", "Which?", "Look.", True, "eve") == first
    assert store.instructions.current() == second
    assert len(own_events(store)) == 2


@pytest.mark.parametrize(
    ("question", "text"), [("Which?", "Look twice."), ("Which is best?", "Look.")]
)
def test_other_words_need_another_version(store: Store, question: str, text: str) -> None:
    store.instructions.publish("1", "Which?", "Look.", True, "ann")
    with pytest.raises(StoreError, match=r"Version 1 .* Raise task\.instructions_version"):
        store.instructions.publish("1", question, text, True, "ann")
    assert store.instructions.current().text == "Look."


@pytest.mark.parametrize("version", ["", " ", "1\n"])
def test_a_version_has_a_name(store: Store, version: str) -> None:
    with pytest.raises(StoreError, match="need a version"):
        store.instructions.publish(version, "Which?", "Look.", True, "ann")


def test_who_has_read_what(store: Store) -> None:
    ann, bob = store.people.add("ann", "owner"), store.people.add("bob", "labeler")
    for version in ("9", "10"):
        store.instructions.publish(version, "Which?", f"Look {version}.", True, "ann")
    assert store.instructions.acknowledged(bob.id) is None
    store.instructions.acknowledge(bob.id, "9")
    assert store.instructions.acknowledged(bob.id) == "9"
    store.instructions.acknowledge(bob.id, "10")
    # A second browser that still shows the old version takes nothing back.
    store.instructions.acknowledge(bob.id, "9")
    assert store.instructions.acknowledged(bob.id) == "10"
    assert store.instructions.acknowledged(ann.id) is None


def test_what_is_not_there_cannot_be_read(store: Store) -> None:
    bob = store.people.add("bob", "labeler")
    with pytest.raises(StoreError, match="no version '3'"):
        store.instructions.acknowledge(bob.id, "3")
    store.instructions.publish("1", "Which?", "Look.", True, "ann")
    with pytest.raises(StoreError, match="no person with the id p-9"):
        store.instructions.acknowledge("p-9", "1")
