"""Where a run stands, in words."""

import doctest
from dataclasses import replace

import pytest

from prefloop.teamwork import LIVE, Batch, StopRequest, TrainerState
from prefloop.web.config import WebSettings
from prefloop.web.services import status_text
from prefloop.web.team import pages as team_pages

TRAINER = TrainerState(
    phase="training the policy",
    round=1,
    done=37,
    total=1200,
    detail="",
    checkpoints=(20, 30),
    heartbeat_at=1000.0,
)
BATCH = Batch(
    round=1,
    opened_at=0.0,
    frozen_at=None,
    frozen_sequence=None,
    wanted=200,
    answered=31,
    per_minute=12.0,
)
ENGLISH = WebSettings().owners_strings
CORD = StopRequest(id="c", pulled_by="Ann", reason="It repeats.", samples=(), pulled_at=940.0)


@pytest.mark.parametrize("module", [team_pages])
def test_examples_hold(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0 and found.failed == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Round 1, training the policy: update 37 of 1,200."),
        ({"phase": "sampling for labels"}, "Round 1, sampling for labels: 37 of 1,200."),
        ({"phase": "waiting for labels"}, "Round 1, waiting for labels."),
        ({"phase": "stopped by the cord", "total": 0}, "Round 1, stopped by the cord."),
        ({"phase": "finished"}, "The run has finished."),
    ],
)
def test_what_the_trainer_does(changes: dict[str, object], told: str) -> None:
    assert status_text.trainer_text(replace(TRAINER, **changes), ENGLISH) == told  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "31 of 200 answers are in; about 14 min to go."),
        ({"per_minute": None}, "31 of 200 answers are in; nobody is answering right now."),
        ({"per_minute": 0.0}, "31 of 200 answers are in; nobody is answering right now."),
        ({"answered": 200}, "All 200 answers of round 1 are in."),
        ({"frozen_at": 5.0}, ""),
    ],
)
def test_how_the_questions_come_along(changes: dict[str, object], told: str) -> None:
    assert status_text.batch_text(replace(BATCH, **changes), ENGLISH) == told  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "is_missing"), [(0, False), (10, False), (10.5, True)])
def test_a_silent_trainer_is_missed(seconds: float, is_missing: bool) -> None:
    assert status_text.is_missing(TRAINER, 1000 + seconds) == is_missing
    assert bool(status_text.missing_text(TRAINER, 1000 + seconds, ENGLISH)) == is_missing


def test_a_stop_says_how_far_it_is() -> None:
    assert status_text.pulled_text(CORD, 1000, ENGLISH) == "Ann stopped it 60 s ago."
    assert "has not stopped yet" in status_text.stopped_text(CORD, TRAINER, 1001, ENGLISH)
    assert "is not running" in status_text.stopped_text(CORD, TRAINER, 1100, ENGLISH)
    assert "is not running" in status_text.stopped_text(CORD, None, 1001, ENGLISH)
    still = replace(CORD, stopped_at=950.0, update=37)
    assert status_text.stopped_text(still, None, 1001, ENGLISH).endswith("at update 37.")


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (0, "1.0 hours of labeling, 15.00 USD at 15 an hour."),
        (240, "1.0 hours of labeling, 15.00 USD at 15 an hour: 0.062 USD an answer."),
    ],
)
def test_work_is_told_in_time_and_money(n: int, told: str) -> None:
    assert status_text.work_text(3600.0, n, 15.0, "USD", ENGLISH) == told


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({}, "For whoever is free."),
        ({"ann": None, "ben": None}, "For ann, ben alone."),
        ({"ann": 0.5, "ben": 0.25}, "For ann (50 %), ben (25 %) and whoever is free (the rest)."),
        ({"ann": 0.5, "ben": 0.5}, "For ann (50 %), ben (50 %) alone."),
    ],
)
def test_whom_a_batch_is_for(shares: dict[str, float | None], told: str) -> None:
    assert status_text.for_whom_text(shares, ENGLISH) == told


@pytest.mark.parametrize(
    ("round", "told"), [(3, "round 3"), (-2, "verdicts 2"), (LIVE, "live questions")]
)
def test_a_batch_is_called_as_at_the_terminal(round: int, told: str) -> None:
    batch = replace(BATCH, round=round)
    assert status_text.batch_title(batch, ENGLISH) == batch.title == told
