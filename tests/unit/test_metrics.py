"""The metrics file: written by name, cut back when a run resumes."""

import json
import time
from pathlib import Path

import pytest

from prefloop.figures.cost import UpdateCostFigures, training_cost
from prefloop.figures.metrics_line import read_line
from prefloop.files import read_json_lines
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


def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def test_what_a_timed_update_took_is_kept_beside_the_lines_which_repeat(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for one in LINES[:2]:
        assert log.timed(slow)(0.02) == "done"
        log.write(one)
    assert log.lines() == LINES[:2]
    costs = [UpdateCostFigures.model_validate(x) for x in read_json_lines(tmp_path / "costs.jsonl")]
    assert [(cost.stage, cost.update) for cost in costs] == [("rewards", 1), ("rewards", 2)]
    assert all(0.02 <= cost.seconds < 1 for cost in costs)
    assert all(2**22 < cost.peak_memory_bytes < 2**40 for cost in costs), "bytes, not kilobytes"
    log.write(LINES[2])
    assert len(read_json_lines(tmp_path / "costs.jsonl")) == 2, "an update that nobody timed"


def test_an_update_that_failed_leaves_no_time_to_the_next_line(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    with pytest.raises(ValueError, match="non-negative"):
        log.timed(slow)(-1.0)
    log.write(LINES[0])
    assert not (tmp_path / "costs.jsonl").exists()


def test_a_run_has_a_cost_only_if_every_update_has_one() -> None:
    costs = [
        UpdateCostFigures(stage=s, round=0, update=u, seconds=x, peak_memory_bytes=10 * u)
        # Update 2 was made again after a crash: its seconds were spent twice.
        for s, u, x in (("rewards", 1, 1.5), ("policy", 2, 2.0), ("policy", 2, 3.0))
    ]
    made = [read_line(line("rewards", 0, 1)), read_line(line("policy", 0, 2))]
    found = training_cost(costs, made)
    assert found is not None
    assert found.seconds == {"rewards": 1.5, "policy": 5.0}
    assert (found.total_seconds, found.peak_memory_bytes) == (6.5, 20)
    assert training_cost(costs, [*made, read_line(line("policy", 0, 3))]) is None
    assert training_cost([], []) is None
