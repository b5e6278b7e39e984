"""Several heads on one model: trained in one pass, saved as their mean, with their disagreement."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from prefloop.errors import CheckpointError
from prefloop.figures.trust import EnsembleValidationFigures
from prefloop.functional.preference_loss import best_of_k_loss
from prefloop.label_types.losses import LOSSES
from prefloop.metrics import MetricsLog
from prefloop.models.export import MEMBERS
from prefloop.rewards.dataset import with_bootstrap
from prefloop.rewards.ensemble import ensemble_figures
from prefloop.rewards.ensemble_loss import ensemble_loss
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.rewards.trainer import RewardTrainer
from prefloop.run_file import parse_run
from prefloop.settings.rewards import RewardsConfig
from prefloop.store.store import Store
from tests.stages_for_tests import fill, roles_on, sampler_on, weights_of
from tests.tolerances import EXACT, FP32, RELOADED
from tests.unit.rewards.test_trainer import LABELS, REFERENCE, Heard

NAN = float("nan")


def ensemble_on(folder: Path, run: Path, progress: Heard | None = None) -> RewardTrainer:
    tokenizer, roles = roles_on(folder)
    return RewardTrainer(
        RewardModel(roles, pad_id=tokenizer.pad_id, seed=1, members=3),
        RewardsConfig(batch_size=4, lr=3e-3, checkpoint_every=1, ensemble=3),
        seed=1,
        round_number=0,
        checkpoints=run / "checkpoints",
        metrics=MetricsLog(run / "metrics.jsonl"),
        progress=progress or Heard(),
    )


@pytest.fixture(scope="module")
def trained(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RewardTrainer:
    trainer = ensemble_on(gpt2_folder, tmp_path_factory.mktemp("ensemble"))
    trainer.train(LABELS, REFERENCE)
    return trainer


def test_the_score_is_the_mean_and_only_the_heads_are_more(trained: RewardTrainer) -> None:
    scores, members = trained.model.score_with_members(REFERENCE)
    torch.testing.assert_close(scores, trained.model.score(REFERENCE), **FP32)
    torch.testing.assert_close(scores, members.mean(dim=1), **FP32)
    assert members.std(dim=1).min() > 1e-4, "members that are all alike disagree about nothing"
    shapes = {name: tuple(p.shape) for name, p in trained.model.named_parameters}
    assert shapes.pop("score.weight") == (3, trained.model.role_model.width)
    assert all(".reward." in name for name in shapes), "one set of adapters"


def test_the_score_is_normalized_and_each_member_centered(trained: RewardTrainer) -> None:
    scores, members = trained.model.score_with_members(REFERENCE)
    assert scores.mean().item() == pytest.approx(0.0, abs=1e-5)
    assert scores.std(correction=0).item() == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(members.mean(dim=0), torch.zeros(3), **FP32)


def test_an_interrupted_ensemble_goes_on_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path, trained: RewardTrainer
) -> None:
    with pytest.raises(KeyboardInterrupt):
        ensemble_on(gpt2_folder, tmp_path, Heard(stop_after=2)).train(LABELS, REFERENCE)
    resumed = ensemble_on(gpt2_folder, tmp_path)
    resumed.train(LABELS, REFERENCE)
    expected = weights_of(trained.model.named_parameters)
    torch.testing.assert_close(weights_of(resumed.model.named_parameters), expected, **EXACT)
    assert resumed.model.head.shifts == trained.model.head.shifts
    assert resumed.metrics.lines() == trained.metrics.lines()


def test_members_see_labels_as_often_as_draws_with_replacement_would() -> None:
    many = replace(LABELS, sequences=LABELS.sequences * 300)
    drawn = with_bootstrap(many, 4, 1, 0).counts
    assert drawn is not None and drawn.shape == (4, 4200)
    assert drawn.double().mean().item() == pytest.approx(1.0, abs=0.03)
    assert (drawn == 0).double().mean().item() == pytest.approx(np.exp(-1), abs=0.02)
    assert not torch.equal(drawn[0], drawn[1])
    again, other = (with_bootstrap(many, 4, 1, number).counts for number in (0, 1))
    assert again is not None and other is not None
    assert torch.equal(drawn, again) and not torch.equal(drawn, other)
    assert with_bootstrap(many, 1, 1, 0).counts is None, "a head alone sees each label once"


def test_each_member_is_trained_on_what_it_drew() -> None:
    members = torch.randn(2, 14, 3, generator=torch.Generator().manual_seed(2))
    counts = torch.tensor([[2, 0] + [1] * 12, [0, 3] + [1] * 12])
    batch = replace(LABELS, counts=counts)
    got = ensemble_loss(LOSSES["best_of_k"], members, batch, denominator=14)
    one_by_one = torch.tensor(
        [
            [best_of_k_loss(m[b : b + 1], LABELS.targets[b : b + 1], LABELS.present[b : b + 1])
             for b in range(14)]
            for m in members
        ]
    )  # fmt: skip
    torch.testing.assert_close(got, (counts * one_by_one).sum(dim=1).div(14).mean(), **FP32)
    alike = ensemble_loss(LOSSES["best_of_k"], members, LABELS, denominator=14)
    assert abs(alike - got) > 1e-3, "counts that are forgotten would go unseen"


def test_disagreement_by_hand() -> None:
    """Two members agree on the first question (rightly) and differ on the second."""
    scores = np.array([[1.5, 0.0, NAN], [0.5, 0.6, 0.0]])
    members = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.2], [0.0, 0.0]])
    targets = np.array([[1.0, 0.0, NAN], [0.75, 0.25, 0.0]])
    got = ensemble_figures(scores, members, targets)
    assert isinstance(got, EnsembleValidationFigures)
    assert got.where_agreed is not None and got.where_not is not None
    assert (got.disagree.value, got.disagree.n) == (0.5, 2)
    assert (got.where_agreed.value, got.where_not.value) == (1.0, 0.25)
    assert got.members == ((1.0 + 0.75) / 2, (1.0 + 0.25) / 2)
    assert ensemble_figures(scores, members[:, :1], targets) is None


def stage_on(gpt2_folder: Path, store: Store, run: Path, members: int) -> RewardStage:
    tokenizer, roles = roles_on(gpt2_folder)
    rewards = {"batch_size": 8, "normalize_samples": 8, "ensemble": members}
    return RewardStage(
        RewardModel(roles, pad_id=tokenizer.pad_id, seed=1, members=members),
        sampler_on(tokenizer, roles),
        parse_run({"rewards": rewards}, "run.yaml"),
        store,
        run=run,
        progress=Heard(),
    )


def test_what_is_saved_is_the_mean_for_others_and_all_members_for_us(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    tokenizer, _ = roles_on(gpt2_folder)
    with Store.open(tmp_path / "prefloop.db") as store:
        samples = fill(store, tokenizer)[:8]
        log = MetricsLog(tmp_path / "metrics.jsonl")
        stage, again = (stage_on(gpt2_folder, store, tmp_path, 3) for _ in range(2))
        stage.train(0, samples, log)
        again.train(0, samples, log)
        with pytest.raises(CheckpointError, match=r"3 heads and rewards\.ensemble is 1"):
            stage_on(gpt2_folder, store, tmp_path, 1).train(0, samples, log)
    expected, members = stage.model.score_with_members(REFERENCE)
    for got, wanted in zip(
        again.model.score_with_members(REFERENCE), (expected, members), strict=True
    ):
        torch.testing.assert_close(got, wanted, **EXACT)
    assert again.model.reference_spread == stage.model.reference_spread is not None
    folder = tmp_path / "rewards" / "round-0"
    assert load_file(folder / MEMBERS)["weight"].shape[0] == 3
    saved = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert saved.config.num_labels == 1
    ids = torch.tensor([REFERENCE[0]])
    with torch.no_grad():
        served = saved(ids, attention_mask=torch.ones_like(ids)).logits[0, 0]
    torch.testing.assert_close(served + saved.config.reward_shift, expected[0], **RELOADED)
