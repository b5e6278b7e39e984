"""Slow figures: measured while somebody looks, once in a while, one at a time."""

import logging
import threading
import time
from collections.abc import Callable

import pytest

from prefloop.web.services.background import Background


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(measure: Callable[[], int], clock: Clock) -> Background[int]:
    return Background(measure, every_seconds=60, clock=clock)


def counting(calls: list[int]) -> Callable[[], int]:
    """Return a measurement that notes each call and returns how many there were."""

    def measure() -> int:
        calls.append(1)
        return len(calls)

    return measure


def measured(background: Background[int], enough: Callable[[], bool]) -> None:
    """Come back when a measurement has begun and ended."""
    ends = time.monotonic() + 30
    while not enough():
        background.latest()
        assert time.monotonic() < ends
        time.sleep(0.005)
    background.close()


def test_the_first_look_begins_and_a_later_one_finds() -> None:
    gate = threading.Event()
    background = made(lambda: 7 if gate.wait(30) else 0, Clock())
    assert background.latest() is None
    gate.set()
    assert background.latest_within(30) == 7
    background.close()


def test_within_a_minute_nothing_is_measured_again() -> None:
    calls: list[int] = []
    clock = Clock()
    background = made(counting(calls), clock)
    assert background.latest_within(30) == 1
    clock.now = 59
    assert background.latest() == 1
    background.close()
    assert len(calls) == 1


def test_after_a_minute_the_old_one_is_shown_until_the_new_one_is_there() -> None:
    clock, gate, calls = Clock(), threading.Event(), [0]

    def measure() -> int:
        calls[0] += 1
        if calls[0] > 1:
            gate.wait(30)
        return calls[0]

    background = made(measure, clock)
    assert background.latest_within(30) == 1
    clock.now = 61
    assert background.latest() == 1
    assert background.latest() == 1, "one at a time"
    gate.set()
    measured(background, lambda: calls == [2])
    assert background.latest() == 2


def test_what_was_changed_is_measured_at_the_next_look() -> None:
    calls: list[int] = []
    background = made(counting(calls), Clock())
    assert background.latest_within(30) == 1
    background.invalidate()
    measured(background, lambda: len(calls) == 2)
    assert background.latest() == 2


def test_a_failure_keeps_the_last_result_and_logs_no_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, tries = Clock(), [0]

    def measure() -> int:
        tries[0] += 1
        if tries[0] > 1:
            raise ValueError("somebody's secret text")
        return 3

    background = made(measure, clock)
    assert background.latest_within(30) == 3
    clock.now = 61
    with caplog.at_level(logging.ERROR, logger="prefloop.web"):
        measured(background, lambda: tries[0] == 2)
        assert background.latest() == 3
    assert "ValueError" in caplog.text and "secret" not in caplog.text


def test_after_the_end_the_last_result_stays_and_nothing_begins() -> None:
    calls: list[int] = []
    clock = Clock()
    background = made(counting(calls), clock)
    assert background.latest_within(30) == 1
    background.close()
    clock.now = 61
    assert background.latest() == background.latest_within(1) == 1
    assert len(calls) == 1
