"""Metrics, models and evaluations that are gone are named, with what is lost and the way out."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefloop.doctor.losses import check_losses, lost_metrics, lost_parts, refuse_lost_metrics
from prefloop.errors import InputError
from prefloop.files import write_folder
from prefloop.run_history import note_deletion, record_stage


def write(place: Path) -> None:
    (place / "weights").write_text("1 2 3")


def line(stage: str, update: int) -> dict[str, Any]:
    return {"stage": stage, "round": 0, "update": update}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of one round with four updates of the policy, and a history that knows it."""
    for name in ("rewards/round-0", "policy/round-0"):
        write_folder(tmp_path / name, write)
    for number in (2, 4):
        write_folder(tmp_path / "checkpoints" / "policy" / f"checkpoint-{number:06d}", write)
    (tmp_path / "evaluation" / "policy").mkdir(parents=True)
    (tmp_path / "evaluation" / "policy" / "update-4.json").write_text("{}")
    lines = [line("rewards", n) for n in (1, 2, 3)] + [line("policy", n) for n in (1, 2, 3, 4)]
    set_metrics(tmp_path, lines)
    record_stage(tmp_path, stage="evaluation", round_number=0, update=4, events=9, head="ab")
    return tmp_path


def set_metrics(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_whole_run_has_lost_nothing(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert [(r.status, r.action) for r in check_losses(run)] == [("ok", "")]
    refuse_lost_metrics(run)
    empty = tmp_path_factory.mktemp("empty")
    assert [r.status for r in check_losses(empty)] == ["later"]


def test_deleted_metrics_are_named_and_refused(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    policy, rewards = lost_metrics(run)
    assert (
        "holds 0 of the 4 updates" in policy.message and "update 1 to 4 are lost" in policy.message
    )
    assert "0 of the 3 lines about the reward model of round 0" in rewards.message
    assert "Put back a backup of the file, or begin a new run" in policy.action
    with pytest.raises(InputError, match=r"holds 0 of the 4 updates"):
        refuse_lost_metrics(run)
    assert [r.status for r in check_losses(run)] == ["bad", "bad"]


def test_a_truncated_end_and_a_gap_are_named(run: Path) -> None:
    set_metrics(run, metrics(run)[:-1])
    assert "the figures of update 4 are lost" in lost_metrics(run)[0].message
    set_metrics(run, [x for x in metrics(run) if x["update"] not in (1, 3)])
    told = [loss.message for loss in lost_metrics(run)]
    assert "holds 1 of the 4 updates" in told[0] and "update 1, 3 to 4 are lost" in told[0]
    assert "holds 1 of the 3 lines about the reward model" in told[1]


def test_metrics_that_end_before_a_damaged_checkpoint_are_in_order(run: Path) -> None:
    """The run has gone back to the one before, and cut its metrics."""
    set_metrics(run, metrics(run)[:-2])
    assert len(lost_metrics(run)) == 1
    damaged = run / "checkpoints" / "policy" / "checkpoint-000004" / "weights"
    damaged.write_text("1 2 4")
    assert lost_metrics(run) == []


def test_a_reward_model_that_is_trained_anew_may_have_fewer_lines(run: Path) -> None:
    set_metrics(run, [x for x in metrics(run) if x["stage"] == "policy"])
    assert len(lost_metrics(run)) == 1
    shutil.rmtree(run / "rewards" / "round-0")
    assert lost_metrics(run) == []


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("rewards/round-0", "trains it again on the labels"),
        ("policy/round-0", "writes it again if its weights were kept"),
        ("evaluation/policy/update-4.json", "its figures are lost"),
        ("checkpoints/policy", "begins again with the first"),
    ],
)
def test_what_was_deleted_is_named_with_what_is_lost(run: Path, name: str, lost: str) -> None:
    place = run / name
    place.unlink() if place.is_file() else shutil.rmtree(place)
    [loss] = lost_parts(run)
    assert loss.message.startswith(f"{place} was there at the end of evaluation, round 0, and is")
    assert lost in loss.message and "put back a backup" in loss.action
    [result] = check_losses(run)
    assert (result.status, result.message) == ("warn", loss.message)


def test_runs_without_a_history_are_left_in_peace(run: Path) -> None:
    (run / "history.jsonl").unlink()
    shutil.rmtree(run / "policy")
    assert lost_parts(run) == []


def test_a_reward_model_that_a_roll_back_forgot_may_be_trained_on_fewer_labels(run: Path) -> None:
    """Killed after the training and before the note of its stage, the run goes on all the same."""
    shutil.rmtree(run / "rewards" / "round-0")
    record_stage(run, stage="roll back", round_number=0, update=4, events=10, head="cd")
    set_metrics(run, [x for x in metrics(run) if x["stage"] == "policy" or x["update"] < 3])
    write_folder(run / "rewards" / "round-0", write)
    refuse_lost_metrics(run)
    record_stage(run, stage="rewards", round_number=0, update=4, events=10, head="cd")
    set_metrics(run, [x for x in metrics(run) if x["stage"] == "policy"])
    assert "0 of the 2 lines" in lost_metrics(run)[0].message


def test_what_the_run_deletes_itself_is_no_loss(run: Path) -> None:
    note_deletion(run, ["policy/round-0", "policy/round-1"])
    shutil.rmtree(run / "policy" / "round-0")
    assert lost_parts(run) == []
    shutil.rmtree(run / "rewards" / "round-0")
    assert len(lost_parts(run)) == 1
