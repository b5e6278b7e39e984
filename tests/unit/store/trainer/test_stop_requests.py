import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from prefloop.teamwork import StopAction
from tests.unit.store.records_for_tests import own_events


def test_a_cord_is_taut_until_it_is_released(store: Store) -> None:
    assert store.stop_requests.active() is None
    pulled = store.stop_requests.pull("bob", "all of them are rude", ["s2", "s1"])
    assert store.stop_requests.active() == pulled
    assert (pulled.pulled_by, pulled.reason) == ("bob", "all of them are rude")
    assert pulled.samples == ("s2", "s1")
    assert (pulled.stopped_at, pulled.update, pulled.released_at) == (None, None, None)

    stopped = store.stop_requests.stopped(pulled.id, 40)
    assert stopped.update == 40
    assert stopped.stopped_at is not None
    assert pulled.pulled_at <= stopped.stopped_at
    assert store.stop_requests.active() == stopped

    released = store.stop_requests.release(pulled.id, "ann", "read thirty samples", "resume")
    assert (released.released_by, released.checked) == ("ann", "read thirty samples")
    assert (released.action, released.roll_back_to) == ("resume", None)
    assert store.stop_requests.active() is None
    assert store.stop_requests.all() == [released]
    kinds = [event.kind for event in own_events(store)]
    assert kinds == ["cord_pulled", "cord_stopped", "cord_released"]
    assert json.loads(own_events(store)[2].payload) == {
        "id": pulled.id,
        "released_by": "ann",
        "checked": "read thirty samples",
        "action": "resume",
        "roll_back_to": None,
    }


def test_pulling_a_taut_cord_adds_a_reason(store: Store) -> None:
    first = store.stop_requests.pull("bob", "rude", ["s1"])
    assert store.stop_requests.pull("cem", "very rude", ["s2"]) == first
    assert store.stop_requests.all() == [first]
    again = own_events(store)[1]
    assert again.kind == "cord_pulled_again"
    assert json.loads(again.payload) == {
        "id": first.id,
        "by": "cem",
        "reason": "very rude",
        "samples": ["s2"],
    }
    store.stop_requests.release(first.id, "ann", "looked", "resume")
    second = store.stop_requests.pull("cem", "still rude", [])
    assert second.id != first.id
    assert [cord.id for cord in store.stop_requests.all()] == [first.id, second.id]


def test_many_who_pull_at_once_pull_one_cord(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        pulled = list(
            threads.map(lambda name: store.stop_requests.pull(name, "rude", []), "abcdefgh")
        )
    assert len({cord.id for cord in pulled}) == len(store.stop_requests.all()) == 1
    assert len(own_events(store)) == 8


def test_a_pull_fails_for_nothing(store: Store) -> None:
    assert store.stop_requests.pull("bob", "", ["s1", "of another run"]).samples == ("s1",)


def test_the_trainer_may_say_twice_that_it_stands_still(store: Store) -> None:
    pulled = store.stop_requests.pull("bob", "rude", [])
    stopped = store.stop_requests.stopped(pulled.id, 40)
    assert store.stop_requests.stopped(pulled.id, 41) == stopped
    assert len(own_events(store)) == 2


def test_the_owner_may_be_faster_than_the_trainer(store: Store) -> None:
    pulled = store.stop_requests.pull("bob", "rude", [])
    released = store.stop_requests.release(pulled.id, "ann", "a slip", "resume")
    assert store.stop_requests.stopped(pulled.id, 40) == released


def test_a_run_rolls_back_to_a_checkpoint_that_is_there(store: Store) -> None:
    pulled = store.stop_requests.pull("bob", "rude", [])
    with pytest.raises(StoreError, match="no checkpoint of update 20; there are none"):
        store.stop_requests.release(pulled.id, "ann", "looked", "roll_back", 20)
    store.updates.heartbeat(phase="policy", round=0, done=40, total=90, checkpoints=[20, 30, 40])
    with pytest.raises(StoreError, match="no checkpoint of update 25; there are 20, 30, 40"):
        store.stop_requests.release(pulled.id, "ann", "looked", "roll_back", 25)
    released = store.stop_requests.release(pulled.id, "ann", "looked", "roll_back", 20)
    assert (released.action, released.roll_back_to) == ("roll_back", 20)


@pytest.mark.parametrize(
    ("checked", "action", "roll_back_to", "told"),
    [
        (" ", "resume", None, "what was checked"),
        ("looked", "continue", None, "'continue' is none of resume, roll_back"),
        ("looked", "resume", 20, "not from update 20"),
        ("looked", "roll_back", None, "no checkpoint of update None"),
    ],
)
def test_a_release_says_what_was_done(
    store: Store, checked: str, action: StopAction, roll_back_to: int | None, told: str
) -> None:
    store.updates.heartbeat(phase="policy", round=0, done=40, total=90, checkpoints=[20, 40])
    pulled = store.stop_requests.pull("bob", "rude", [])
    with pytest.raises(StoreError, match=told):
        store.stop_requests.release(pulled.id, "ann", checked, action, roll_back_to)
    assert store.stop_requests.active() == pulled


def test_a_cord_is_released_once(store: Store) -> None:
    pulled = store.stop_requests.pull("bob", "rude", [])
    store.stop_requests.release(pulled.id, "ann", "looked", "resume")
    with pytest.raises(StoreError, match="released already, by ann"):
        store.stop_requests.release(pulled.id, "eve", "looked too", "resume")
    with pytest.raises(StoreError, match="no cord with the id c-9"):
        store.stop_requests.release("c-9", "ann", "looked", "resume")
    with pytest.raises(StoreError, match="no cord with the id c-9"):
        store.stop_requests.stopped("c-9", 1)
