"""A run that is killed with SIGKILL at random points equals the straight one, bit for bit."""

import hashlib
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from prefloop.store.store import Store
from tests.e2e.small_run import finish, make_run, start


def fingerprint(run: Path) -> dict[str, Any]:
    """Return everything that a resumed run must share with the straight one."""
    files = [
        *run.glob("policy/round-*/*.safetensors"),
        *run.glob("rewards/round-*/*.safetensors"),
        *sorted(run.glob("checkpoints/policy/*/tensors.safetensors"))[-1:],
        *sorted(run.glob("checkpoints/policy/*/state.json"))[-1:],
        run / "metrics.jsonl",
    ]
    assert len(files) > 8
    result: dict[str, Any] = {
        str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files
    }
    with Store.open(run / "prefloop.db") as store:
        result["samples"] = sorted(store.samples(), key=lambda s: s.id)
        result["comparisons"] = sorted(store.comparisons(), key=lambda c: c.id)
        result["labels"] = sorted(store.labels(), key=lambda x: x.id)
        result["verdicts"] = sorted(store.verdicts(), key=lambda v: v.id)
        store.verify_chain()
    return result


@pytest.fixture(scope="module")
def straight(two_rounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The straight run."""
    return Path(shutil.copytree(two_rounds, tmp_path_factory.mktemp("straight") / "run"))


def n_lines(run: Path) -> int:
    """Return how many steps and updates the run has logged."""
    path = run / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_and_resume(run: Path, straight: Path, n_kills: int, seed: int) -> int:
    """Kill the run at random moments, then let it finish; return how often it really was killed.

    Each start is killed somewhat after it has logged a few lines more than were there: a kill while
    it starts up would test nothing, and a slow machine must not shift the moments.
    """
    rng = random.Random(seed)
    killed = 0
    for _ in range(n_kills):
        until = min(n_lines(run) + rng.randrange(1, 5), n_lines(straight))
        process = start(run)
        while n_lines(run) < until and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.5))
        if process.poll() is None:
            killed += 1
        process.kill()
        process.communicate()
    finish(run)
    return killed


@pytest.mark.parametrize("n_kills, seed", [(1, 0), pytest.param(25, 1, marks=pytest.mark.slow)])
def test_killed_and_resumed_equals_straight(
    straight: Path, gpt2_folder: Path, tmp_path: Path, n_kills: int, seed: int
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder)
    killed = kill_and_resume(run, straight, n_kills, seed)
    assert killed > 0
    expected, found = fingerprint(straight), fingerprint(run)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value, f"{key} differs after {killed} kills"


def test_a_finished_run_is_left_alone(straight: Path) -> None:
    before = fingerprint(straight)
    finish(straight)
    assert fingerprint(straight) == before


def test_no_prompt_is_asked_about_twice(straight: Path) -> None:
    with Store.open(straight / "prefloop.db") as store:
        asked = [comparison.prompt_id for comparison in store.comparisons()]
        rounds = {comparison.round for comparison in store.comparisons()}
    assert len(asked) == len(set(asked)) > 0
    assert rounds == {0, 1}


def test_the_reward_model_is_normalized_on_samples_that_were_labeled(
    straight: Path,
) -> None:
    """32 reference samples are wanted, and the first labels' 24 questions of 4 hold more."""
    trust = json.loads((straight / "rewards" / "round-1" / "trust.json").read_text())
    assert trust["reference_mean"] == pytest.approx(0.0, abs=1e-4)
    assert trust["reference_std"] == pytest.approx(1.0, abs=1e-4)
    with Store.open(straight / "prefloop.db") as store:
        assert store.samples(purpose="normalization") == []
        assert len(store.samples(purpose="labels", round=0)) >= 32
