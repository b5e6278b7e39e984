"""What the doctor advises leads where it says: its own words are followed, and it looks again."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefloop.files import sha256
from tests.e2e.command import Command

DELETE = re.compile(r"^Delete (it|\S+)")


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def bad(prefloop: Command, run: Path) -> list[dict[str, Any]]:
    """Return what the doctor finds bad."""
    results = json.loads(prefloop("doctor", run, "--json").out)["results"]
    return [result for result in results if result["status"] == "bad"]


def follow(run: Path, result: dict[str, Any]) -> None:
    """Delete what the action says; "it" is what the message begins with."""
    named = DELETE.match(result["action"])
    assert named is not None, result["action"]
    what = result["message"].split()[0] if named[1] == "it" else named[1]
    place = run / what
    assert place.exists(), place
    shutil.rmtree(place) if place.is_dir() else place.unlink()


def weights(run: Path) -> str:
    return sha256(run / "policy/round-0/model.safetensors")


def test_a_damaged_policy_is_exported_again(prefloop: Command, run: Path) -> None:
    whole = weights(run)
    (run / "policy/round-0/model.safetensors").write_bytes(b"x")
    (result,) = bad(prefloop, run)
    follow(run, result)
    prefloop.done("run", run)
    assert weights(run) == whole
    assert bad(prefloop, run) == []


def test_a_damaged_reward_model_is_deleted_where_it_is_not_needed(
    prefloop: Command, run: Path
) -> None:
    """The policy is trained already; what is left is a run without faults."""
    (run / "rewards/round-0/model.safetensors").write_bytes(b"x")
    (result,) = bad(prefloop, run)
    follow(run, result)
    prefloop.done("run", run)
    assert bad(prefloop, run) == []


def test_a_stage_without_checkpoints_starts_again_and_ends_where_it_did(
    prefloop: Command, run: Path
) -> None:
    whole = weights(run)
    for path in run.glob("checkpoints/policy/*/state.json"):
        path.write_text("{}")
    results = bad(prefloop, run)
    assert len({result["action"] for result in results}) == 1
    follow(run, results[0])
    prefloop.done("run", run)
    assert weights(run) == whole
    assert bad(prefloop, run) == []


def test_a_run_without_a_judge_gets_one(prefloop: Command, run: Path) -> None:
    for path in (run / "evaluation").rglob("*.json"):
        path.unlink()
    results = json.loads(prefloop("doctor", run, "--json").out)["results"]
    (judged,) = [result for result in results if result["check"] == "judged"]
    command = re.search(r"`prefloop (\S+) (\S+)`", judged["action"])
    assert command is not None
    prefloop.done(command[1], command[2])
    assert bad(prefloop, run) == []
    assert list((run / "evaluation").rglob("*.json"))
