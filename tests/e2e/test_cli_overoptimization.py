"""`prefloop audit overoptimization` on a run that kept every update."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from prefloop.run_folder import overoptimization_path, read_run_folder
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import finish, make_run


@pytest.fixture(scope="module")
def run(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "run"
    policy = {"keep_every": 1, "episodes": 80, "kl": {"control": "fixed", "coef": 0.0}}
    evaluation = {"prompts": 32, "frontier_prompts": 32, "frontier_samples": 16}
    made = make_run(folder, gpt2_folder, rounds=1, policy=policy, evaluation=evaluation)
    asked = yaml.safe_load((made / "run.yaml").read_text())
    asked["prompts"]["held_out_share"] = 0.35
    (made / "run.yaml").write_text(yaml.safe_dump(asked))
    finish(made)
    return made


def test_kept_policies_are_drawn_and_both_curves_fitted(prefloop: Command, run: Path) -> None:
    before = prefloop.done("audit", "overoptimization", run, "--no-draw").out
    assert "1 policy at a KL above 0" in before and "a curve needs 4 on 30" in before
    assert "best of 16" in before
    assert "4 policies of the run folder have no answers yet: without --no-draw" in before
    told = prefloop.done("audit", "overoptimization", run, "--json").json()
    policies, best = told["curves"]
    assert sorted(p["name"] for p in policies["points"]) == [
        f"policy/update-{n}" for n in range(1, 6)
    ]
    assert [p["name"] for p in best["points"]] == [f"best of {n}" for n in (2, 4, 8, 16)]
    assert policies["prompts"] == best["prompts"] == 32
    assert policies["alpha"] is not None and best["alpha"] is not None
    assert best["points"][-1]["proxy"] > best["points"][0]["proxy"] > 0
    again = prefloop.done("audit", "overoptimization", run, "--no-draw", "--json").json()
    assert again == told, "everything is in the store by now"
    with Store.open(run / "prefloop.db") as store:
        drawn = {s.model for s in store.samples(purpose="evaluation")}
    assert drawn == {"reference", *(f"policy/update-{n}" for n in range(1, 6))}


def test_a_half_written_policy_is_left_out_by_name(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    """It is never drawn, so it is none of those that lack answers either."""
    copied = Path(shutil.copytree(run, tmp_path / "run"))
    kept = copied / "policy"
    shutil.copytree(kept / "update-1", kept / "update-1-branch-1")
    (weights,) = (kept / "update-1-branch-1").glob("lora_weights*")
    weights.write_bytes(weights.read_bytes()[:100])
    told = prefloop.done("audit", "overoptimization", copied, "--no-draw").out
    assert "left out: policy/update-1-branch-1: its weights are damaged (" in told
    assert "has 100 bytes" in told
    prefloop.done("report", copied)
    page = (copied / "report/index.html").read_text()
    assert "Left out: policy/update-1-branch-1: its weights are damaged (" in page
    told = prefloop.done("audit", "overoptimization", run, "--no-draw", "--json").json()
    assert told["left_out"] == {}


def test_a_reward_model_that_is_damaged_is_named_with_what_helps(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    """A finished run trains none again, and this verb has no --scorer."""
    copied = Path(shutil.copytree(run, tmp_path / "run"))
    (copied / "rewards/round-0/trust.json").unlink()
    for verb in (("audit", "overoptimization"), ("audit", "rewards")):
        told = prefloop.refused(*verb, copied)
        assert "rewards/round-0 is damaged (trust.json is missing)" in told
        assert "Put back a backup" in told and "--scorer" not in told
    shutil.rmtree(copied / "rewards/round-0")
    told = prefloop.refused("audit", "overoptimization", copied, "--no-draw")
    assert "has no whole reward model: that of its policy is gone" in told


def test_people_who_were_not_asked_are_said_to_be_missing(prefloop: Command, run: Path) -> None:
    told = prefloop.done("audit", "overoptimization", run, "--no-draw", "--people").out
    assert "0 policies at a KL above 0 on 0 prompts judged by people" in told


def test_report_and_doctor_show_it(prefloop: Command, run: Path) -> None:
    prefloop.done("audit", "overoptimization", run, "--no-draw")
    prefloop.done("report", run)
    page = (run / "report" / "index.html").read_text()
    assert 'id="overoptimization"' in page and "overoptimization-0" in page
    results = json.loads(prefloop("doctor", run, "--json").out)["results"]
    assert len([r for r in results if r["check"] == "over-optimization"]) == 2


def test_a_damaged_file_says_what_to_do(prefloop: Command, run: Path) -> None:
    whole = overoptimization_path(run).read_text()
    overoptimization_path(run).write_text('{"proxy": 3}')
    assert "Run `prefloop audit overoptimization`" in prefloop.refused("report", run)
    other = json.loads(whole) | {"reward_model": "another"}
    overoptimization_path(run).write_text(json.dumps(other))
    assert read_run_folder(run).overoptimization is None, "it is of another reward model"
    earlier = json.loads(whole)
    earlier["policies"].remove("policy/update-5")
    overoptimization_path(run).write_text(json.dumps(earlier))
    assert read_run_folder(run).overoptimization is None, "the newest policy was not looked at"
    overoptimization_path(run).write_text(whole)
    assert read_run_folder(run).overoptimization is not None
