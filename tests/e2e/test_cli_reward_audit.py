"""`prefloop audit rewards`, and the audit that a run makes by itself before it trains a policy."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.audits.rewards import saved_trust
from prefloop.run_folder import read_reward_audit, reward_audit_path
from tests.e2e.command import Command


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_run_audits_its_reward_model_by_itself(run: Path) -> None:
    figures = read_reward_audit(run, 0)
    assert figures is not None
    assert figures.verdict == "none"
    assert "35 are needed" in figures.reason
    assert figures.by_round[0].accuracy.n == sum(g.accuracy.n for g in figures.by_labeler)


def test_what_it_says_is_told(prefloop: Command, run: Path) -> None:
    told = prefloop.done("audit", "rewards", run).out
    assert "Reward model of round 0, on" in told
    assert "No verdict:" in told
    assert "Not enough evidence for a forecast" in told
    for head in ("probability by its scores", "lead of the best score", "length of the chosen"):
        assert head in told


def test_the_figures_on_validation_labels_are_those_of_the_reward_model(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = prefloop.done("audit", "rewards", run, "--json").json()
    trust = json.loads((run / "rewards" / "round-0" / "trust.json").read_text())
    assert told["validation"] == trust["validation"]
    saved = saved_trust(run)
    unmeasured = replace(saved, figures=saved.figures.model_copy(update={"validation": None}))
    monkeypatch.setattr("prefloop.audits.rewards.saved_trust", lambda *_: unmeasured)
    assert prefloop.done("audit", "rewards", run, "--json").json()["validation"] is None
    assert "lead of the best score" not in prefloop.done("audit", "rewards", run).out


def test_the_saved_model_is_audited_where_nobody_looked(prefloop: Command, run: Path) -> None:
    before = read_reward_audit(run, 0)
    reward_audit_path(run, 0).unlink()
    told = prefloop.done("audit", "rewards", run, "--json").json()
    assert read_reward_audit(run, 0) == before
    assert told["verdict"] == "none"
    assert told["checks"][0]["name"] == "better than chance"


def test_the_doctor_passes_it_on(prefloop: Command, run: Path) -> None:
    results = json.loads(prefloop("doctor", run, "--json").out)["results"]
    (found,) = [r for r in results if r["check"] == "fit to train against"]
    assert (found["stage"], found["status"]) == ("rewards", "later")
    assert "No verdict" in found["message"]


def test_a_round_without_a_reward_model_is_refused(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("audit", "rewards", run, "--round", "7")
    assert "no reward model of round 7 (rounds with one: 0)" in told


def test_copies_that_somebody_put_beside_what_the_run_made_are_left_alone(
    prefloop: Command, run: Path
) -> None:
    looks = (("audit", "rewards", run), ("audit", "overoptimization", run, "--no-draw"))
    before = [prefloop.done(*verb).out for verb in looks]
    for made in (run / "rewards" / "round-0", next((run / "policy").glob("update-*"))):
        shutil.copytree(made, made.with_name(f"{made.name}-old"))
    assert [prefloop.done(*verb).out for verb in looks] == before


def test_a_line_of_metrics_that_is_damaged_is_named(prefloop: Command, run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), "labels": "many"})
    lines[2] = json.dumps({"stage": "rewards"})
    (run / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    for verb in (["run"], ["report"], ["audit", "rewards"]):
        if verb[0] == "audit":
            reward_audit_path(run, 0).unlink()
        told = prefloop.refused(*verb, run)
        assert "metrics.jsonl has 2 lines that cannot be read" in told
        assert "line 1: labels must be a whole number from 0 on, got 'many'" in told
        assert "line 3: round is missing" in told
    assert "metrics.jsonl has 2 lines" in prefloop("doctor", run).out


def test_a_damaged_file_says_what_to_do(prefloop: Command, run: Path) -> None:
    reward_audit_path(run, 0).write_text('{"round": "many"}')
    told = prefloop.refused("report", run)
    assert "Run `prefloop audit rewards`, which writes it again." in told
    prefloop.done("audit", "rewards", run)
    prefloop.done("report", run)


def test_a_run_that_goes_on_changes_no_byte_of_it(prefloop: Command, run: Path) -> None:
    before = reward_audit_path(run, 0).read_bytes()
    prefloop.done("run", run)
    assert reward_audit_path(run, 0).read_bytes() == before
