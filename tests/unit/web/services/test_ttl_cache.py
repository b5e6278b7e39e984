"""A read that is shared for a moment."""

import itertools
import threading

import pytest

from prefloop.web.services.ttl_cache import TTLCache


def test_within_the_moment_it_is_read_once_and_after_it_again() -> None:
    now, reads = [0.0], itertools.count(1)
    kept = TTLCache(lambda: next(reads), seconds=1.0, clock=lambda: now[0])
    assert [kept.get(), kept.get()] == [1, 1]
    now[0] = 0.9
    assert kept.get() == 1
    now[0] = 1.0
    assert kept.get() == 2


def test_a_read_that_fails_is_tried_again() -> None:
    reads: list[int] = []

    def read() -> int:
        reads.append(1)
        if len(reads) == 1:
            raise OSError("gone")
        return 5

    kept = TTLCache(read, clock=lambda: 0.0)
    with pytest.raises(OSError, match="gone"):
        kept.get()
    assert kept.get() == 5


def test_many_at_once_share_one_read() -> None:
    gate, reads, found = threading.Event(), [], []

    def read() -> int:
        reads.append(1)
        gate.wait(30)
        return len(reads)

    kept = TTLCache(read, clock=lambda: 0.0)
    threads = [threading.Thread(target=lambda: found.append(kept.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert (found, len(reads)) == ([1, 1, 1, 1], 1)
