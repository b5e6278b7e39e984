"""A policy that follows a scorer: nobody labels, no reward model is trained, the score rises."""

import json
import shutil
from pathlib import Path

import pytest

from prefloop.metrics import MetricsLog
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.known_reward import make_known_reward


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has not begun."""
    return make_known_reward(tmp_path / "run")


def test_ppo_on_a_known_reward_raises_it_and_asks_nobody(
    prefloop: Command, known_reward: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(known_reward, tmp_path / "run"))
    told = prefloop.done("run", run, "--json").json()
    lines = MetricsLog(run / "metrics.jsonl").lines()
    assert {line["stage"] for line in lines} == {"policy"}
    scores = [line["policy/score"] for line in lines]
    assert len(scores) == 7
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 0.5, scores
    with Store.open(run / "prefloop.db") as store:
        assert store.comparisons() == [] and store.labels() == []
        purposes = {sample.purpose for sample in store.samples()}
    assert purposes == {"evaluation", "frontier"}
    assert not (run / "rewards").exists()
    figures = read_run_folder(run).evaluations[-1].figures
    assert figures.model == "policy/update-7"
    assert figures.verdict == told["verdict"]
    assert figures.frontier is not None, "the best reachable value of the reward is known"
    assert [win_rate.judge for win_rate in figures.win_rates] == ["lexicon"]
    what_looks_at_it_says_what_there_is(prefloop, run)


def what_looks_at_it_says_what_there_is(prefloop: Command, run: Path) -> None:
    """Report, show, doctor and the stages without work, on the run that has ended."""
    report = Path(prefloop.done("report", run, "--json").json()["report"])
    assert "sentiment" in report.read_text(encoding="utf-8")
    assert json.loads(prefloop.done("show", run, "-n", 2, "--json").out)
    checks = prefloop.done("doctor", run, "--json").json()
    assert "No stage is bad" in checks["conclusion"]
    words = {
        "samples": "no samples are drawn",
        "comparisons": "nobody is asked",
        "rewards": "no reward",
    }
    for stage, told in words.items():
        done = prefloop.done(stage, run, "--json")
        assert done.json()["labels"] == done.json()["reward_models"] == 0
        assert "policy.reward is 'sentiment', a scorer" in done.err and told in done.err
    assert "policy.reward is" not in prefloop.done("prompts", run).err


def test_a_judge_may_not_share_a_source_with_the_reward(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "policy.reward=lexicon")
    assert "'lexicon' is no independent judge: policy.reward rests on the same" in told


def test_a_method_that_needs_labels_is_refused(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "policy.method=dpo")
    assert "learns from labels, and with policy.reward 'sentiment' nobody labels" in told
    assert not (run / "metrics.jsonl").exists()


def test_an_unknown_reward_is_refused_with_a_guess(prefloop: Command, run: Path) -> None:
    assert "did you mean 'sentiment'" in prefloop.refused("run", run, "policy.reward=sentimnt")


def test_the_shipped_control_experiment_follows_the_sentiment_classifier() -> None:
    config = load_run_file(Path(__file__).parents[2] / "runs" / "known-reward.yaml")
    assert config.policy.reward == "sentiment"
