"""The clock jumps by an hour, ahead or back: leases end or stay, and no answer is lost."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.store.store import Store
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.faults.conftest import simulated
from tests.faults.simulated_disk import SimulatedDisk
from tests.unit.web.desk import Desk, answer_to, claim, make_desk, new_id

HOUR_DAYS = 1 / 24


@pytest.fixture
def desk(place: str | Path) -> Iterator[Desk]:
    """A server over either kind of database."""
    with Store.open(place) as store:
        made = make_desk(store)
        yield made
        made.app.state.services.close()


@pytest.mark.parametrize("hours", [-1.0, 1.0])
def test_an_hour_s_jump_loses_no_answer_and_blocks_no_question(
    desk: Desk, clock: MovableClock, hours: float
) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    [held] = claim(ann)
    clock.jump(hours * HOUR_SECONDS)
    # Whoever was logged in still is, and works on.
    names = {new_id(): question for question in [held, *claim(bob, 4)]}
    for name, question in names.items():
        browser = ann if question is held else bob
        saved = browser.put(f"/api/answers/{name}", json=answer_to(question))
        assert (saved.status_code, saved.json()["outcome"]) == (200, "stored")
    assert {label.id for label in desk.store.labels()} == set(names)
    # Its lease is over, so ann's question went to others too, who finish the batch.
    while questions := claim(bob, 4):
        for question in questions:
            bob.put(f"/api/answers/{new_id()}", json=answer_to(question))
    batch = desk.store.queue.batch(7)
    assert batch is not None and batch.answered == batch.wanted
    clock.jump(-hours * HOUR_SECONDS)
    assert ann.get("/api/me").status_code == bob.get("/api/me").status_code == 200
    assert desk.store.verify_chain() >= len(names)


@pytest.mark.parametrize("hours", [-1.0, 1.0])
def test_it_is_the_databases_own_clock_that_counts(
    disk: SimulatedDisk, tmp_path: Path, hours: float
) -> None:
    """The clock that SQLite itself asks is moved: its machine's."""
    with simulated(disk), Store.open(tmp_path / "prefloop.db") as store:
        desk = make_desk(store)
        before = store.now()
        leased = store.queue.claim(
            "ann", n=4, rng=random.Random(1), policy=desk.app.state.settings.claims
        )
        disk.days_ahead = hours * HOUR_DAYS
        assert store.now() - before == pytest.approx(hours * HOUR_SECONDS, abs=60)
        views = store.queue.claim(
            "bob", n=6, rng=random.Random(1), policy=desk.app.state.settings.claims
        )
        assert {view.comparison_id for view in views} > {view.comparison_id for view in leased}
        desk.app.state.services.close()
