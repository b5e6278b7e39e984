"""The metrics file: written by name, cut back when a run resumes."""

import json
from pathlib import Path

import pytest

from prefloop.metrics import METRICS, MetricsLog


def line(stage: str, round_number: int, update: int) -> dict[str, object]:
    return {"stage": stage, "round": round_number, "update": update, "policy/kl": 0.5}


LINES = [line(s, r, u) for r in (0, 1) for s in ("rewards", "policy") for u in (1, 2, 3)]


@pytest.fixture
def log(tmp_path: Path) -> MetricsLog:
    written = MetricsLog(tmp_path / "run" / "metrics.jsonl")
    assert written.lines() == []
    for one in LINES:
        written.write(one)
    return written


def test_every_line_comes_back(log: MetricsLog) -> None:
    assert log.lines() == LINES


def test_lines_after_the_checkpoint_are_forgotten_in_one_stage_of_one_round(
    log: MetricsLog,
) -> None:
    before = log.path.read_text().splitlines()
    log.forget_after("rewards", 1, round_number=1)
    gone = [line("rewards", 1, 2), line("rewards", 1, 3)]
    assert log.lines() == [one for one in LINES if one not in gone]
    # Byte for byte: a resumed run's file is the straight one's.
    kept = [text for text, one in zip(before, LINES, strict=True) if one not in gone]
    assert log.path.read_text().splitlines() == kept


def test_without_a_round_they_are_forgotten_in_all(log: MetricsLog) -> None:
    log.forget_after("policy", 2)
    assert log.lines() == [x for x in LINES if x["stage"] != "policy" or x["update"] != 3]
    log.forget_after("policy", 0)
    assert {one["stage"] for one in log.lines()} == {"rewards"}


def test_a_torn_last_line_is_no_line_and_the_next_is_whole(log: MetricsLog) -> None:
    with log.path.open("a") as file:
        file.write('{"stage": "policy", "upd')
    assert log.lines() == LINES
    log.write(line("policy", 2, 9))
    assert log.lines() == [*LINES, line("policy", 2, 9)]


def test_forgetting_nothing_leaves_the_file_alone(log: MetricsLog) -> None:
    before = log.path.read_bytes()
    log.forget_after("policy", 3)
    assert log.path.read_bytes() == before
    MetricsLog(log.path.with_name("none.jsonl")).forget_after("policy", 0)


def test_a_name_without_a_definition_or_a_number_that_is_none_is_refused(log: MetricsLog) -> None:
    with pytest.raises(AssertionError, match="policy/klx"):
        log.write({"stage": "policy", "policy/klx": 1.0})
    with pytest.raises(ValueError, match="JSON compliant"):
        log.write(line("policy", 0, 4) | {"policy/kl": float("nan")})
    assert log.lines() == LINES
    assert all(json.dumps(text) and text.endswith(".") for text in METRICS.values())
