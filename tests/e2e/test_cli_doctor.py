"""The doctor finds a good run good, and names the stage where one was spoiled."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_good_run(prefloop: Command, run: Path) -> None:
    told = prefloop.done("doctor", run, "--json").json()
    assert "No stage is bad" in told["conclusion"]
    stages = {f["stage"] for f in told["results"]}
    assert stages == {
        *("settings", "models", "prompts", "store", "comparisons"),
        *("rewards", "policy", "evaluation", "checkpoints", "run folder"),
    }
    assert all(f["action"] for f in told["results"] if f["status"] in ("warn", "bad"))
    text = prefloop.done("doctor", run).out
    assert text.startswith("No stage is bad")
    assert "What the words mean:" in text and "* KL says how far" in text


def change(path: Path, **figures: Any) -> None:
    """Change figures of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | figures))


def change_policy(run: Path, place: slice, **figures: float) -> None:
    """Change figures of some of the policy's lines."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in [line for line in lines if line["stage"] == "policy"][place]:
        line.update({f"policy/{name}": value for name, value in figures.items()})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def flip(run: Path) -> None:
    """Make the reward model prefer what labelers reject, beyond doubt."""
    path = run / "rewards" / "round-0" / "trust.json"
    validation = json.loads(path.read_text())["validation"]
    validation["accuracy"] |= {"value": 0.05, "low": 0.01, "high": 0.15}
    change(path, validation=validation)


def break_ledger(run: Path) -> None:
    """Change an event behind the ledger's back."""
    with sqlite3.connect(run / "prefloop.db") as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE events SET payload = '{}' WHERE sequence = 3")


def change_sample(run: Path) -> None:
    """Change what a model said, after people chose between the samples."""
    with sqlite3.connect(run / "prefloop.db") as database:
        database.execute("UPDATE samples SET text = ' kinder.' WHERE number = 3")


SPOILS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "typo": (
        lambda run: (run / "run.yaml").write_text("polcy: {}"),
        "settings",
        "settings load",
    ),
    "ledger": (break_ledger, "store", "ledger is whole"),
    "sample": (change_sample, "store", "rows are as they were stored"),
    "flipped": (flip, "rewards", "better than chance"),
    "scale": (
        lambda run: change(run / "rewards/round-0/trust.json", reference_mean=0.4),
        "rewards",
        "normalized on the reference",
    ),
    "first KL": (lambda run: change_policy(run, slice(1), kl=0.3), "policy", "KL begins at 0"),
    "negative KL": (
        lambda run: change_policy(run, slice(2, 3), kl=-2.5),
        "policy",
        "KL is not negative",
    ),
    "far away": (
        lambda run: change_policy(run, slice(3, None), kl=40.0),
        "policy",
        "KL near its target",
    ),
    "clipped": (
        lambda run: change_policy(run, slice(3, None), clip_fraction=0.9),
        "policy",
        "clip fraction",
    ),
    "no ends": (
        lambda run: change_policy(run, slice(3, None), ended=0.1),
        "policy",
        "responses end",
    ),
    "collapsed": (
        lambda run: change_policy(run, slice(3, None), entropy=0.01),
        "policy",
        "entropy has not collapsed",
    ),
    "saved": (
        lambda run: (run / "policy/round-0/model.safetensors").write_bytes(b"x"),
        "checkpoints",
        "saved folders verify",
    ),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_spoiled_stage_is_named(prefloop: Command, run: Path, name: str) -> None:
    spoil, stage, check = SPOILS[name]
    spoil(run)
    outcome = prefloop("doctor", run, "--json")
    assert outcome.code == 2
    bad = [f for f in outcome.json()["results"] if f["status"] == "bad"]
    assert bad[0]["stage"] == stage
    assert check in bad[0]["check"]
    assert bad[0]["message"] and bad[0]["action"]
    assert f"first bad stage is {stage}" in outcome.json()["conclusion"]
