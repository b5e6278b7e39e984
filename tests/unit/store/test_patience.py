"""A store that is away is waited for; a refusal is told at once."""

from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import StoreAwayError, StoreError
from prefloop.store.patience import SAY_SECONDS, patient
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import comparison, fill, prompt


class Clock:
    """Time that passes only while somebody sleeps; at `back_at` the database is back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, back_at: float) -> None:
        self.now = 0.0
        self.back_at = back_at
        monkeypatch.setattr("prefloop.store.patience.time.monotonic", lambda: self.now)
        monkeypatch.setattr("prefloop.store.patience.time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def interrupts(self, method: Any, *, after: bool = False) -> Any:
        def interrupted(*arguments: Any, **named: Any) -> Any:
            if self.now >= self.back_at:
                return method(*arguments, **named)
            if after:
                method(*arguments, **named)
            raise StoreAwayError("postgresql://db cannot be reached.")

        return interrupted


@pytest.mark.parametrize("is_written", [False, True], ids=["before", "after it had written"])
def test_five_minutes_without_the_database(
    path: Path, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    said: list[str] = []
    with Store.open(path) as store:
        fill(store)
        clock = Clock(monkeypatch, back_at=300.0)
        monkeypatch.setattr(
            store, "add_prompts", clock.interrupts(store.add_prompts, after=is_written)
        )
        batch = clock.interrupts(store.queue.open_batch, after=is_written)
        monkeypatch.setattr(store.queue, "open_batch", batch)
        waiting = patient(store, said.append)
        waiting.add_prompts([prompt(50)])
        assert clock.now >= 300.0
        assert len(said) == 300 / SAY_SECONDS + 1
        assert "cannot be reached" in said[0] and "nothing is lost" in said[0]
        assert "back after 300 s" in said[-1]
        clock.now = 0.0
        waiting.queue.open_batch(0, [("c0", 1)])
        found = waiting.queue.batch(0)
        assert found is not None and found.wanted == 1
        assert [p.id for p in store.prompts()].count("p50") == 1


def test_a_refusal_is_told_at_once(path: Path) -> None:
    said: list[str] = []
    with Store.open(path) as store, pytest.raises(StoreError, match="unknown"):
        patient(store, said.append).add_comparisons([comparison(5)])
    assert said == []
