"""S19: a reward model whose accuracy stays at chance while its loss falls."""

from pathlib import Path

import numpy as np
import pytest
import torch

from prefloop.batches import PreferenceBatch
from prefloop.metrics import MetricsLog
from prefloop.models.loading import TextCoder
from prefloop.progress import Silent
from prefloop.rewards.config import RewardsConfig
from prefloop.rewards.trainer import RewardTrainer
from tests.silent_bugs.parts import reward_model

CHANCE = 0.25
STEPS = 40


def questions(coder: TextCoder, n: int, seed: int) -> PreferenceBatch:
    """Return comparisons of four words in which the liked word, ' happy', is always best."""
    stream = np.random.default_rng(seed)
    others = [" sad", " cold", " grey", " hungry"]
    targets = torch.zeros(n, 4)
    sequences = []
    for row in range(n):
        best = int(stream.integers(4))
        words = list(stream.permutation(others))
        words[best] = " happy"
        targets[row, best] = 1.0
        sequences.append(tuple(tuple(coder.encode(f"She was{word}.")) for word in words))
    return PreferenceBatch(
        sequences=tuple(sequences), targets=targets, present=torch.ones(n, 4, dtype=torch.bool)
    )


@pytest.mark.parametrize("is_labeled_at_random", [False, True])
def test_accuracy_rises_exactly_where_there_is_something_to_learn(
    gpt2_folder: Path, tmp_path: Path, is_labeled_at_random: bool
) -> None:
    model, coder = reward_model(gpt2_folder)
    trainer = RewardTrainer(
        model,
        RewardsConfig(lr=1e-2),
        seed=1,
        round_number=0,
        checkpoints=tmp_path,
        metrics=MetricsLog(tmp_path / "metrics.jsonl"),
        progress=Silent(),
    )
    lines = []
    for step in range(STEPS):
        batch = questions(coder, 16, seed=step)
        if is_labeled_at_random:
            order = torch.from_numpy(np.random.default_rng(step).permutation(16))
            batch = PreferenceBatch(
                sequences=batch.sequences, targets=batch.targets[order], present=batch.present
            )
        lines.append(trainer.step(batch, step, STEPS))
    late = [line["rewards/accuracy"] for line in lines[-10:]]
    loss = [line["rewards/loss"] for line in lines]
    if is_labeled_at_random:
        assert abs(sum(late) / 10 - CHANCE) < 0.15
    else:
        assert sum(late) / 10 > 0.95
        assert sum(loss[-10:]) / 10 < 0.3 < np.log(4) - 0.3
