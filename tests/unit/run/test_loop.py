"""The rounds of a run come to an end, whatever their steps achieve."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from prefloop.run import loop


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
