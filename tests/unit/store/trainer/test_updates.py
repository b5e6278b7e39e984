import math

import pytest

from prefloop.store.store import Store
from tests.clock_for_tests import MovableClock
from tests.unit.store.records_for_tests import own_events


def numbers(store: Store, after: int = 0) -> list[tuple[int, int]]:
    return [(update.number, update.update) for update in store.updates.after(after)]


def test_lines_come_back_after_the_last_one_seen(store: Store) -> None:
    sample = {"prompt": "a", "response": "b\n", "score": 0.5, "kl": 1.0}
    store.updates.write("rewards", 0, 1, {"rewards/loss": 1.25})
    store.updates.write("policy", 0, 1, {"policy/kl": 0.5, "n": 3}, [sample])
    first, second = store.updates.after(0)
    assert (first.stage, first.round, first.update) == ("rewards", 0, 1)
    assert (first.line, first.samples) == ({"rewards/loss": 1.25}, ())
    assert (second.line, second.samples) == ({"policy/kl": 0.5, "n": 3}, (sample,))
    assert first.created_at <= second.created_at <= store.now()
    assert store.updates.after(first.number) == [second]
    assert store.updates.after(0, limit=1) == [first]
    assert store.updates.after(second.number) == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_no_browser_reads_becomes_null(store: Store, number: float) -> None:
    store.updates.write("policy", 0, 1, {"x": number, "y": [1.0, {"z": number}]}, [{"kl": number}])
    update = store.updates.after(0)[0]
    assert update.line == {"x": None, "y": [1.0, {"z": None}]}
    assert update.samples == ({"kl": None},)


def test_forgotten_lines_come_again_under_new_numbers(store: Store) -> None:
    for update in range(1, 5):
        store.updates.write("policy", 0, update, {})
    before = numbers(store)
    store.updates.forget_after("policy", 2)
    assert numbers(store) == before[:2]
    store.updates.write("policy", 0, 3, {})
    # A page that has seen all four asks for what came after, and gets the new third.
    assert [update for _, update in numbers(store, after=before[-1][0])] == [3]


def test_forgetting_keeps_to_its_stage_and_round(store: Store) -> None:
    for stage, round_number in (("rewards", 0), ("policy", 0), ("rewards", 1)):
        for update in (1, 2):
            store.updates.write(stage, round_number, update, {})
    store.updates.forget_after("rewards", 1, round=1)
    left = [(u.stage, u.round, u.update) for u in store.updates.after(0)]
    assert ("rewards", 1, 2) not in left
    assert len(left) == 5
    store.updates.forget_after("rewards", 0)
    assert {u.stage for u in store.updates.after(0)} == {"policy"}


def test_the_trainers_state_is_what_it_said_last(store: Store, clock: MovableClock) -> None:
    assert store.updates.state() is None
    store.updates.heartbeat(phase="policy", round=1, done=3, total=90, checkpoints=[2, 3])
    first = store.updates.state()
    assert first is not None
    assert (first.phase, first.round, first.done, first.total) == ("policy", 1, 3, 90)
    assert (first.detail, first.checkpoints, first.address) == ("", (2, 3), "")
    clock.jump(2)
    store.updates.set_address("http://127.0.0.1:8000")
    store.updates.heartbeat(
        phase="waiting for labels", round=1, done=31, total=200, detail="14 min"
    )
    second = store.updates.state()
    assert second is not None
    assert (second.phase, second.detail, second.checkpoints) == ("waiting for labels", "14 min", ())
    assert second.address == "http://127.0.0.1:8000"
    assert second.heartbeat_at == pytest.approx(first.heartbeat_at + 2, abs=1)


def test_the_page_may_be_up_before_the_trainer(store: Store) -> None:
    store.updates.set_address("http://127.0.0.1:8000")
    state = store.updates.state()
    assert state is not None
    assert (state.phase, state.address) == ("starting", "http://127.0.0.1:8000")
    store.updates.set_address("")
    assert store.updates.state().address == ""  # type: ignore[union-attr]
    assert own_events(store) == []
