"""Training that fails keeps what it has, says what to change, and goes on when it was changed."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from prefloop.metrics import MetricsLog
from prefloop.rewards.model import RewardModel
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path) -> Path:
    """A run that has not begun."""
    return make_run(tmp_path / "run", gpt2_folder, rounds=1)


@pytest.fixture
def ended(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_reward_model_that_diverged_goes_on(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "rewards.lr=1e30")
    assert "rewards/loss became nan" in told and "lower rewards.lr" in told
    with Store.open(run / "prefloop.db") as store:
        assert len(store.labels()) == 56
    assert "from here on" in prefloop.done("rewards", run).err


def test_a_policy_that_diverged_goes_on_from_good_weights(prefloop: Command, run: Path) -> None:
    """One huge step ruins the weights; the checkpoint written after it must not be taken."""
    prefloop.done("rewards", run)
    told = prefloop.refused("policy", run, "policy.epochs=1", "policy.lr=1e30")
    assert "lower policy.lr" in told
    assert not list((run / "checkpoints" / "policy").glob("checkpoint-*"))
    prefloop.done("policy", run)
    updates = [x["update"] for x in MetricsLog(run / "metrics.jsonl").lines() if "policy/kl" in x]
    assert updates == [1, 2, 3, 4, 5, 6]


def test_a_reward_model_that_returns_nan_stops_ppo(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefloop.done("rewards", run)
    nothing = lambda _, sequences: torch.full((len(sequences),), torch.nan)  # noqa: E731
    with monkeypatch.context() as broken:
        broken.setattr(RewardModel, "score", nothing)
        told = prefloop.refused("policy", run)
    assert "policy/score became nan" in told and "rewards" in told
    prefloop.done("policy", run)


def test_a_reward_model_that_scores_all_alike(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(_: RewardModel, sequences: Sequence[object]) -> tuple[torch.Tensor, torch.Tensor]:
        scores = torch.full((len(sequences),), 0.5)
        return scores, scores[:, None]

    monkeypatch.setattr(RewardModel, "score_with_members", alike)
    told = prefloop.refused("run", run)
    assert "all 32 scores are 0.5" in told and "Lower rewards.lr" in told


def damage(checkpoint: Path) -> None:
    """Cut the tensors off, as a power failure would on a careless disk."""
    tensors = checkpoint / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:100])


def test_a_half_written_checkpoint(prefloop: Command, ended: Path) -> None:
    before = (ended / "policy" / "round-0" / "model.safetensors").read_bytes()
    for name in ("policy", "evaluation", "report"):
        shutil.rmtree(ended / name)
    older, newer = sorted((ended / "checkpoints" / "policy").iterdir())
    damage(newer)
    told = prefloop.done("policy", ended).err
    assert f"checkpoint {newer.name} is damaged" in told
    assert f"continues from update {int(older.name[-6:])}" in told
    assert (ended / "policy" / "round-0" / "model.safetensors").read_bytes() == before


def test_only_damaged_checkpoints(prefloop: Command, ended: Path) -> None:
    checkpoints = sorted((ended / "checkpoints" / "policy").iterdir())
    for checkpoint in checkpoints:
        damage(checkpoint)
    told = prefloop.refused("run", ended)
    assert "no complete checkpoint is left" in told and "Delete" in told
    assert sorted((ended / "checkpoints" / "policy").iterdir()) == checkpoints


def test_a_full_disk(prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefloop.done("rewards", run)
    labels = Store.open(run / "prefloop.db").labels()
    sync = os.fsync

    def full(descriptor: int) -> None:
        if "checkpoint" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as small:
        small.setattr(os, "fsync", full)
        told = prefloop.refused("policy", run)
    assert "the disk is full" in told and "make room" in told
    assert Store.open(run / "prefloop.db").labels() == labels
    prefloop.done("policy", run)


def test_settings_that_contradict_what_is_there(
    prefloop: Command, ended: Path, llama_folder: Path
) -> None:
    before = (ended / "run.resolved.yaml").read_text()
    changes = ("seed=9", f"models.name={llama_folder}", "task.temperature=1.0")
    told = prefloop.refused("run", ended, *changes, "report.pairs=3")
    assert "3 problems" in told
    assert "seed was 3 and is 9" in told
    assert "models.name was" in told and str(llama_folder) in told
    assert "task.temperature was 0.7 and is 1.0" in told
    assert "copy run.yaml into a new folder" in told
    assert (ended / "run.resolved.yaml").read_text() == before
    assert "report.pairs was 12 and is 3" in prefloop.done("run", ended, "report.pairs=3").err
