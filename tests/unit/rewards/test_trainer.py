"""The reward model's training: the same in any portion, the same after an interruption."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.batches import PreferenceBatch
from prefloop.errors import DivergedError, OutOfMemoryError
from prefloop.label_types.losses import LOSSES
from prefloop.metrics import MetricsLog
from prefloop.rewards.model import RewardModel
from prefloop.rewards.trainer import RewardTrainer
from prefloop.settings.rewards import RewardsConfig
from tests.stages_for_tests import Adapter, roles_on, weights_of
from tests.tolerances import EXACT, FP32, MODEL


class Heard:
    """A progress that remembers what was said, and can stop the work."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self.stop_after = stop_after

    def say(self, text: str) -> None:
        self.said.append(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        if done == self.stop_after:
            raise KeyboardInterrupt


def comparisons(n: int, *, seed: int = 1, k: int = 3) -> PreferenceBatch:
    """Return comparisons of random ids; odd rows show one response fewer."""
    generator = torch.Generator().manual_seed(seed)
    sequences, targets = [], torch.zeros(n, k)
    present = torch.ones(n, k, dtype=torch.bool)
    for row in range(n):
        width = k - row % 2
        present[row, width:] = False
        targets[row, int(torch.randint(width, (1,), generator=generator))] = 1.0
        ids = torch.randint(5, 390, (width, 4 + row % 5), generator=generator)
        sequences.append(tuple(tuple(r) for r in ids.tolist()))
    return PreferenceBatch(sequences=tuple(sequences), targets=targets, present=present)


def trainer_on(
    folder: Path,
    run: Path,
    progress: Heard | None = None,
    *,
    top_layers: int | None = None,
    adapter: Adapter = "lora",
    **changes: object,
) -> RewardTrainer:
    tokenizer, roles = roles_on(folder, adapter=adapter, top_layers=top_layers)
    small = {"batch_size": 4, "lr": 3e-3, "checkpoint_every": 1, **changes}
    return RewardTrainer(
        RewardModel(roles, pad_id=tokenizer.pad_id, seed=1),
        RewardsConfig(**small),  # type: ignore[arg-type]
        seed=1,
        round_number=0,
        checkpoints=run / "checkpoints",
        metrics=MetricsLog(run / "metrics.jsonl"),
        progress=progress or Heard(),
    )


LABELS = comparisons(14)
REFERENCE = [sequence for group in LABELS.sequences for sequence in group]


@pytest.fixture(scope="module")
def straight(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RewardTrainer:
    trainer = trainer_on(gpt2_folder, tmp_path_factory.mktemp("straight"))
    trainer.train(LABELS, REFERENCE)
    return trainer


def test_microbatches_change_neither_loss_nor_gradient(gpt2_folder: Path, tmp_path: Path) -> None:
    gradients, losses = [], []
    for size in (1, 3, 14):
        trainer = trainer_on(gpt2_folder, tmp_path, microbatch_size=size)
        losses.append(trainer.step(LABELS, 0, 1)["rewards/loss"])
        named = trainer.model.named_parameters
        gradients.append(torch.cat([p.grad.flatten() for _, p in named if p.grad is not None]))
    assert gradients[0].norm() > 0.1
    torch.testing.assert_close(torch.tensor(losses), torch.full((3,), losses[0]), **FP32)
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0], **MODEL)


def test_an_interrupted_training_goes_on_and_ends_bit_for_bit_alike(
    gpt2_folder: Path, tmp_path: Path, straight: RewardTrainer
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trainer_on(gpt2_folder, tmp_path, Heard(stop_after=2)).train(LABELS, REFERENCE)
    heard = Heard()
    resumed = trainer_on(gpt2_folder, tmp_path, heard)
    resumed.train(LABELS, REFERENCE)
    assert heard.said == ["The reward model resumes from step 2."]
    expected = weights_of(straight.model.named_parameters)
    torch.testing.assert_close(weights_of(resumed.model.named_parameters), expected, **EXACT)
    assert resumed.model.head.shift == straight.model.head.shift
    assert resumed.metrics.lines() == straight.metrics.lines()


def test_a_training_above_frozen_layers_goes_on_bit_for_bit_alike(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """The straight one has read every question in an earlier round, the other one has not."""

    def trainer(place: str, progress: Heard | None = None) -> RewardTrainer:
        return trainer_on(gpt2_folder, tmp_path / place, progress, top_layers=1, epochs=2)

    straight = trainer("straight")
    straight.model.forward_comparisons(LABELS)
    straight.train(LABELS, REFERENCE)
    with pytest.raises(KeyboardInterrupt):
        trainer("resumed", Heard(stop_after=5)).train(LABELS, REFERENCE)
    resumed = trainer("resumed")
    resumed.train(LABELS, REFERENCE)
    expected = weights_of(straight.model.named_parameters)
    torch.testing.assert_close(weights_of(resumed.model.named_parameters), expected, **EXACT)
    assert resumed.metrics.lines() == straight.metrics.lines()


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_no_gradient_is_held_after_training(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    """With full copies they would take a whole model's memory all through PPO."""
    trainer = trainer_on(gpt2_folder, tmp_path, adapter=adapter)
    trainer.step(LABELS, 0, 1)
    assert any(p.grad is not None for _, p in trainer.model.named_parameters)
    trainer.train(LABELS, REFERENCE)
    assert [name for name, p in trainer.model.named_parameters if p.grad is not None] == []


def test_a_model_that_cannot_be_normalized_starts_from_the_base(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint of the ruined weights would ruin every further try."""
    trainer = trainer_on(gpt2_folder, tmp_path, normalize_before=False)

    def fail(*_: object, **__: object) -> None:
        raise DivergedError("all scores are alike")

    monkeypatch.setattr(trainer.model, "normalize", fail)
    with pytest.raises(DivergedError):
        trainer.train(LABELS, REFERENCE)
    assert not trainer.checkpoints.exists()


def test_with_other_labels_an_interrupted_training_begins_again(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trainer_on(gpt2_folder, tmp_path, Heard(stop_after=3)).train(comparisons(16), REFERENCE)
    heard = Heard()
    resumed = trainer_on(gpt2_folder, tmp_path, heard)
    resumed.train(LABELS, REFERENCE)
    assert heard.said == ["The labels have changed: the reward model starts again from the base."]
    assert [line["update"] for line in resumed.metrics.lines()] == [1, 2, 3, 4]
    assert resumed.metrics.lines()[-1]["labels"] == 14


def test_every_label_is_seen_once_and_the_step_size_falls_to_zero(straight: RewardTrainer) -> None:
    lines = straight.metrics.lines()
    assert [line["update"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["labels"] == 14
    rates = [line["rewards/lr"] / straight.config.lr for line in lines]
    assert rates == pytest.approx([1.0, 0.75, 0.5, 0.25])


def test_soft_targets_give_the_order_of_the_known_scores_back(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Labels that say how often each response is preferred carry its score (Bradley-Terry)."""
    known = torch.tensor([-1.5, -0.5, 0.5, 1.5])
    words = [[150], [220], [260], [300]]
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b] * 3
    batch = PreferenceBatch(
        sequences=tuple((tuple(words[a]), tuple(words[b])) for a, b in pairs),
        targets=torch.stack([known[list(pair)].softmax(dim=0) for pair in pairs]),
        present=torch.ones(len(pairs), 2, dtype=torch.bool),
    )
    trainer = trainer_on(
        gpt2_folder, tmp_path, lr=1e-2, epochs=4, normalize_after=False, checkpoint_every=0
    )
    trainer.train(batch, words)
    scores = trainer.model.score(words)
    assert scores.argsort().tolist() == [0, 1, 2, 3]
    assert (scores - scores.mean() - known).abs().max() < 0.6


@pytest.mark.parametrize("loss", ["nan", "inf"])
def test_a_loss_that_is_not_finite_stops_before_the_weights_are_touched(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    trainer = trainer_on(gpt2_folder, tmp_path)
    before = weights_of(trainer.model.named_parameters)
    right = LOSSES["best_of_k"]

    def overflowing(*args: Any, **kwargs: Any) -> torch.Tensor:
        return right.loss(*args, **kwargs) + float(loss)

    monkeypatch.setitem(LOSSES, "best_of_k", replace(right, loss=overflowing))
    with pytest.raises(DivergedError, match=rf"rewards/loss became {loss}.*lower rewards\.lr"):
        trainer.step(LABELS, 0, 1)
    torch.testing.assert_close(weights_of(trainer.model.named_parameters), before, **EXACT)


@pytest.mark.parametrize("stop_after", [None, 2])
def test_no_gradient_is_held_while_the_policy_is_trained(
    gpt2_folder: Path, tmp_path: Path, stop_after: int | None
) -> None:
    """With `adapter: none` the gradients are as large as the model."""
    heard = Heard(stop_after=stop_after) if stop_after else Heard()
    trainer = trainer_on(gpt2_folder, tmp_path, heard, adapter="none", epochs=1)
    with pytest.raises(KeyboardInterrupt) if stop_after else nullcontext():
        trainer.train(LABELS, REFERENCE)
    assert trainer.metrics.lines(), "no step was taken"
    roles = trainer.model.roles
    for role_model in (roles.reward, roles.policy, roles.reference):
        assert all(p.grad is None for p in role_model.causal.parameters())


def test_memory_that_runs_out_between_steps_is_not_the_trainings(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between steps functions of the caller's run, such as `on_update`."""

    def too_large(*_: Any) -> None:
        raise MemoryError

    trainer = trainer_on(gpt2_folder, tmp_path)
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(trainer, "check_stop", too_large)
        trainer.train(LABELS, REFERENCE)
    assert trainer.metrics.lines(), "no step was taken"
    monkeypatch.setattr(trainer, "step", too_large)
    with pytest.raises(OutOfMemoryError, match=r"training the reward model .*microbatch_size"):
        trainer.train(LABELS, REFERENCE)
