"""Settings of `rewards` change the reward model's training, and only what they name of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from prefloop.batches import PreferenceBatch
from prefloop.models.checkpoint import checkpoint_numbers
from prefloop.policy.reward_source import RewardModelSource
from prefloop.rewards.model import RewardModel
from prefloop.run.labeling import collect_comparisons
from prefloop.run.stages import Stages
from prefloop.run.training import train_reward_model
from tests.wiring.runs import assembled
from tests.wiring.wires import Observations, Observer, Settings, Wire, place_of

STEPS, RATES, PASSES = "labels read by each step", "step sizes", "comparisons in each pass"
FIRST_LOSS, LATER_LOSSES, WEIGHTS = "first loss", "later losses", "trained weights"
NORMALIZED_ON, AT_THE_END, CHECKPOINTS = "samples normalized on", "reference scores", "checkpoints"

MEMBERS = "members saved, policy's spread is measured"
PAID = "whether the policy is paid the whole score"

TRAINED = {LATER_LOSSES, WEIGHTS}
BASE = {"rewards.batch_size": 4, "rewards.microbatch_size": 4, "rewards.lr": 3e-3}

WIRES = [
    Wire(
        setting="rewards.batch_size", value=2, changes={STEPS, RATES, PASSES, FIRST_LOSS, *TRAINED}
    ),
    Wire(setting="rewards.microbatch_size", value=1, changes={PASSES}),
    Wire(setting="rewards.epochs", value=2, changes={STEPS, RATES, PASSES, *TRAINED}),
    Wire(setting="rewards.ensemble", value=3, changes={FIRST_LOSS, MEMBERS, *TRAINED}),
    Wire(setting="rewards.hold_out", value=["length"], changes={PAID}),
    Wire(
        setting="rewards.strength.slightly",
        value=0.1,
        given={"comparisons.synthetic.slight_margin": 3.0},
        changes={FIRST_LOSS, *TRAINED},
    ),
    Wire(
        setting="rewards.strength.clearly",
        value=0.6,
        given={"comparisons.synthetic.slight_margin": 1.0},
        changes={FIRST_LOSS, *TRAINED},
    ),
    Wire(setting="rewards.lr", value=1e-3, changes={RATES, *TRAINED}),
    Wire(setting="rewards.adam_eps", value=1e-1, changes=TRAINED),
    Wire(setting="rewards.weight_decay", value=30.0, changes=TRAINED),
    Wire(
        setting="rewards.normalize_before",
        value=False,
        changes={NORMALIZED_ON, FIRST_LOSS, *TRAINED},
    ),
    Wire(setting="rewards.start_std", value=0.1, changes={FIRST_LOSS, *TRAINED}),
    Wire(setting="rewards.normalize_after", value=False, changes={NORMALIZED_ON, AT_THE_END}),
    Wire(
        setting="rewards.normalize_samples",
        value=5,
        changes={NORMALIZED_ON, FIRST_LOSS, *TRAINED},
    ),
    Wire(setting="rewards.checkpoint_every", value=1, changes={CHECKPOINTS}),
]


def observe(settings: Settings, folder: Path) -> Observations:
    with assembled({**BASE, **settings}, folder) as stages:
        passes, normalized_on = recorded(stages.rewards.model)
        train(stages)
        lines = stages.metrics.lines()
        figures = json.loads((folder / "rewards" / "round-0" / "trust.json").read_text())
        return {
            STEPS: [line["labels"] for line in lines],
            RATES: [line["rewards/lr"] for line in lines],
            PASSES: passes,
            FIRST_LOSS: round(lines[0]["rewards/loss"], 5),
            LATER_LOSSES: [round(line["rewards/loss"], 5) for line in lines[1:]],
            WEIGHTS: place_of(weights_of(stages)),
            NORMALIZED_ON: normalized_on,
            AT_THE_END: [round(figures[f"reference_{name}"], 3) + 0.0 for name in ("mean", "std")],
            MEMBERS: [
                (folder / "rewards" / "round-0" / "ensemble.safetensors").exists(),
                spread_on_policy(stages),
            ],
            PAID: is_paid_the_score(stages),
            CHECKPOINTS: checkpoint_numbers(folder / "checkpoints" / "rewards-0"),
        }


def train(stages: Stages) -> None:
    """Have the first round's comparisons answered, and train its reward model."""
    collect_comparisons(stages, 0)
    train_reward_model(stages, 0)


def spread_on_policy(stages: Stages) -> bool:
    """Return whether an update says how far the members disagree on the policy's responses."""
    trainer = stages.policy.trainer
    prompts = stages.store.prompts()[: trainer.config.batch_size]
    return "policy/ensemble_spread" in trainer.step(prompts)


def is_paid_the_score(stages: Stages) -> bool:
    """Return whether the policy is paid what the reward model says, of one batch of responses."""
    collector = stages.policy.trainer.collector
    prompts = stages.store.prompts()[:4]
    batch = collector.sample(prompts, seed=1)
    asked = [p for p in prompts for _ in range(collector.samples_per_prompt)]
    whole = RewardModelSource(stages.rewards.model, collector.sampler).score(asked, batch)
    assert whole.scores.abs().sum() > 0, "no response ended"
    return torch.equal(whole.scores, collector.reward.score(asked, batch).scores)


def weights_of(stages: Stages) -> torch.Tensor:
    """Return the trained weights below the head, which normalization does not touch."""
    named = stages.rewards.model.role_model.named_parameters
    return torch.cat([p.detach().flatten() for _, p in named])


def recorded(model: RewardModel) -> tuple[list[int], list[int]]:
    """Return lists that fill with the comparisons of each training pass and of normalizations."""
    passes: list[int] = []
    normalized_on: list[int] = []
    forward, normalize = model.forward_comparisons, model.normalize

    def forward_recorded(batch: PreferenceBatch) -> torch.Tensor:
        if torch.is_grad_enabled():  # Canary C5 reads comparisons, too, and learns nothing.
            passes.append(len(batch.sequences))
        return forward(batch)

    def normalize_recorded(sequences: list[list[int]], *, std: float = 1.0) -> tuple[float, float]:
        normalized_on.append(len(sequences))
        return normalize(sequences, std=std)

    model.forward_comparisons = forward_recorded  # type: ignore[method-assign]
    model.normalize = normalize_recorded  # type: ignore[method-assign, assignment]
    return passes, normalized_on


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_setting_changes_this_and_nothing_else(wire: Wire, observer: Observer) -> None:
    assert observer.changed(observe, wire) == wire.changes


def test_the_numbers_are_those_of_the_settings(observer: Observer) -> None:
    seen = observer.observe(observe, rewards__lr=1e-3, rewards__epochs=2)
    assert seen[RATES] == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert seen[STEPS] == [4, 8, 12, 16] and seen[PASSES] == [4] * 4
    assert seen[NORMALIZED_ON] == [8, 8] and seen[AT_THE_END] == [0.0, 1.0]
    seen = observer.observe(observe, rewards__checkpoint_every=1)
    assert seen[CHECKPOINTS] == [1], "after the last step there is a reward model instead"


@pytest.mark.parametrize("start_std", [1.0, 0.1])
def test_training_starts_from_the_spread_of_the_setting(
    base: Settings, new_folder: Callable[[], Path], start_std: float
) -> None:
    untrained = {"rewards.lr": 1e-30, "rewards.normalize_after": False}
    settings = {**base, **untrained, "rewards.start_std": start_std}
    folder = new_folder()
    with assembled(settings, folder) as stages:
        train(stages)
    figures = json.loads((folder / "rewards" / "round-0" / "trust.json").read_text())
    assert figures["reference_mean"] == pytest.approx(0.0, abs=1e-4)
    assert figures["reference_std"] == pytest.approx(start_std, rel=1e-3)
