"""S19: a reward model whose loss falls is right more often, if there is something to learn.

Reported as trlx#338: accuracy stayed at 50 % while the loss fell.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from prefloop.batches import PreferenceBatch
from prefloop.functional.preference_loss import best_of_k_accuracy
from prefloop.metrics import MetricsLog
from prefloop.models.loading import Tokenizer
from prefloop.progress import Silent
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.settings.rewards import RewardsConfig
from tests.silent_bugs.parts import reward_model
from tests.stages_for_tests import roles_on

LIKED, OTHER = 150, 220
N_TRAIN, N_HELD_OUT = 160, 100
CHANCE = 0.25
STEPS = 40


def comparisons(n: int, seed: int, labels: str) -> PreferenceBatch:
    """Return pairs in which one response holds the liked token and one another in its place."""
    generator = torch.Generator().manual_seed(seed)
    sequences, targets = [], torch.zeros(n, 2)
    for row in range(n):
        ids = torch.randint(5, 390, (2, 8), generator=generator)
        liked = int(torch.randint(2, (1,), generator=generator))
        ids[liked, -1], ids[1 - liked, -1] = LIKED, OTHER
        said = int(torch.randint(2, (1,), generator=generator)) if labels == "random" else liked
        targets[row, 1 - said if labels == "flipped" else said] = 1.0
        sequences.append(tuple(tuple(r) for r in ids.tolist()))
    present = torch.ones(n, 2, dtype=torch.bool)
    return PreferenceBatch(sequences=tuple(sequences), targets=targets, present=present)


def trained(folder: Path, run: Path, labels: str) -> tuple[float, list[float]]:
    """Return the held-out accuracy after training on such labels, and the losses on the way."""
    tokenizer, roles = roles_on(folder)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    metrics = MetricsLog(run / "metrics.jsonl")
    trainer = RewardTrainer(
        model,
        RewardsConfig(lr=1e-2, batch_size=16, microbatch_size=16, epochs=2, checkpoint_every=0),
        seed=1,
        round_number=0,
        checkpoints=run / "checkpoints",
        metrics=metrics,
        progress=Silent(),
    )
    batch = comparisons(N_TRAIN, 1, labels)
    trainer.train(batch, [s for group in batch.sequences for s in group])
    held_out = comparisons(N_HELD_OUT, 2, "random" if labels == "random" else "true")
    with torch.no_grad():
        scores = model.forward_comparisons(held_out)[0]
    accuracy = best_of_k_accuracy(scores, held_out.targets, held_out.present).mean().item()
    return accuracy, [line["rewards/loss"] for line in metrics.lines()]


def test_labels_that_mean_something_are_learned(gpt2_folder: Path, tmp_path: Path) -> None:
    accuracy, losses = trained(gpt2_folder, tmp_path, "true")
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert accuracy > 0.8


def test_random_labels_leave_it_at_chance(gpt2_folder: Path, tmp_path: Path) -> None:
    accuracy, _ = trained(gpt2_folder, tmp_path, "random")
    assert abs(accuracy - 0.5) < 3 * (0.25 / N_HELD_OUT) ** 0.5


def test_flipped_labels_are_learned_as_flipped(gpt2_folder: Path, tmp_path: Path) -> None:
    accuracy, losses = trained(gpt2_folder, tmp_path, "flipped")
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    assert accuracy < 0.2


def questions(tokenizer: Tokenizer, n: int, seed: int) -> PreferenceBatch:
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
        sequences.append(tuple(tuple(tokenizer.encode(f"She was{word}.")) for word in words))
    return PreferenceBatch(
        sequences=tuple(sequences), targets=targets, present=torch.ones(n, 4, dtype=torch.bool)
    )


@pytest.mark.parametrize("is_labeled_at_random", [False, True])
def test_accuracy_rises_exactly_where_there_is_something_to_learn(
    gpt2_folder: Path, tmp_path: Path, is_labeled_at_random: bool
) -> None:
    model, tokenizer = reward_model(gpt2_folder)
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
        batch = questions(tokenizer, 16, seed=step)
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
