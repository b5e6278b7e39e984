"""The rounds of a run come to an end, whatever their steps achieve."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.records import LedgerHead
from prefloop.run import loop
from prefloop.run.stage_history import note_start
from prefloop.run_history import last_record


@pytest.mark.parametrize(
    ("unfinished", "ran", "n_said"), [([0, 1, 1, None], [0, 1], 0), ([0, 0], [0], 1)]
)
def test_a_round_that_stays_unfinished_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, unfinished: list[int | None], ran: list[int], n_said: int
) -> None:
    """No held-out prompt may be there to judge; the same steps again would change nothing."""
    rounds, said, left = list[int](), list[str](), [*unfinished, None]
    stages = SimpleNamespace(
        monitor=SimpleNamespace(check_stop=lambda point: None, say=said.append),
        rounds=SimpleNamespace(until=None, first_unfinished=lambda: left.pop(0)),
    )
    monkeypatch.setattr(loop, "run_round", lambda stages, number: rounds.append(number))
    loop.run_rounds(cast(Any, stages))
    assert (rounds, len(said)) == (ran, n_said)


@pytest.mark.parametrize("unfinished", [None, 0])
def test_a_finished_run_without_a_history_gets_none(unfinished: int | None, tmp_path: Path) -> None:
    """Version 0.1 kept none, and nothing is left to make."""
    stages: Any = SimpleNamespace(
        folder=tmp_path,
        rounds=SimpleNamespace(first_unfinished=lambda: unfinished),
        store=SimpleNamespace(ledger_head=lambda: LedgerHead(n_events=3, hash="ab")),
        policy=SimpleNamespace(update=4),
    )
    note_start(stages)
    assert (last_record(tmp_path) is None) == (unfinished is None)
