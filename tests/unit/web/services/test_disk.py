"""A disk that is full, or nearly, is told to the owner until it is well again."""

import pytest

from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.services.disk import CHECK_SECONDS, LEAST_FREE_BYTES, TOLD_SECONDS, DiskWatch
from tests.unit.web.desk import Desk
from tests.unit.web.services.test_rate_limits import Clock

MIB = 2**20
ENGLISH = WebSettings().owners_strings


def test_a_write_that_failed_is_told_while_it_is_recent() -> None:
    clock = Clock()
    watch = DiskWatch(lambda: None, clock)
    assert watch.text(ENGLISH) == ""
    watch.failed()
    clock.now += 10
    told = watch.text(ENGLISH)
    assert told.startswith("Nothing can be saved: the disk is full, failing or read-only")
    assert "10 s ago" in told
    clock.now += TOLD_SECONDS - 10
    assert watch.text(ENGLISH) == ""


@pytest.mark.parametrize(
    ("free", "told"),
    [(LEAST_FREE_BYTES, ""), (12 * MIB, "Only 12 MiB are free"), (0, "Only 0 MiB"), (None, "")],
)
def test_little_room_is_told_before_it_is_full(free: int | None, told: str) -> None:
    text = DiskWatch(lambda: free, Clock()).text(ENGLISH)
    assert text.startswith(told) and bool(text) == bool(told)


def test_the_disk_is_asked_now_and_then() -> None:
    clock, room = Clock(), [0, LEAST_FREE_BYTES]
    watch = DiskWatch(lambda: room.pop(0), clock)
    assert watch.text(ENGLISH) == watch.text(ENGLISH) != ""
    clock.now += CHECK_SECONDS
    assert watch.text(ENGLISH) == ""


def test_a_store_knows_the_room_on_its_disk(desk: Desk, postgres_url: str) -> None:
    free = desk.store.free_bytes()
    assert free is not None and free > 0
    with Store.open(postgres_url) as on_a_server:
        assert on_a_server.free_bytes() is None
