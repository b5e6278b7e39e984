"""S11, S12, S13: a resumed run is the uninterrupted run.

S11 (NVIDIA-NeMo/RL PR #3722): the reference is anchored anew at the resumed policy, and every
restart grants new drift. S12 (NVIDIA-NeMo/RL PR #3171, pytorch/rl#4188): weights come back, Adam's
moments do not. S13 (OpenRLHF#1103, transformers PR #46628, open-r1#450): data is replayed or
skipped, or random numbers go on from another place.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import load_checkpoint, restore_training
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer
from prefloop.progress import Silent
from prefloop.records import Prompt
from tests.stages_for_tests import OPENINGS, Adapter, improve, trainer_on, weights_of
from tests.tolerances import EXACT

PROMPTS = [
    Prompt(id=f"{i}{place}", text=f"{text} {place}", source="test", split="train")
    for i, text in enumerate(OPENINGS)
    for place in ("Here", "There", "Away")
]
BEFORE, AFTER = 2, 4


class Recorded(PolicyTrainer):
    """A trainer that remembers its prompts and its rollouts."""

    prompt_ids: list[str]
    rollouts: list[Rollout]

    def collect(self, prompts: Sequence[Prompt]) -> Rollout:
        rollout = super().collect(prompts)
        self.prompt_ids += [p.id for p in prompts]
        self.rollouts.append(rollout)
        return rollout


class Runs(NamedTuple):
    """The same run, straight through and in two processes."""

    straight: Recorded
    first: Recorded
    second: Recorded
    kl_when_stopped: Tensor
    kl_when_restored: Tensor
    folder: Path


def recorded(folder: Path, adapter: Adapter) -> Recorded:
    trainer = trainer_on(folder, adapter=adapter, episodes=32, checkpoint_every=1)
    trainer.__class__ = Recorded
    trainer.prompt_ids, trainer.rollouts = [], []  # type: ignore[attr-defined]
    assert isinstance(trainer, Recorded)
    return trainer


def stage_of(trainer: PolicyTrainer, run: Path) -> PolicyStage:
    return PolicyStage(trainer, MetricsLog(run / "metrics.jsonl"), run=run, progress=Silent())


def kl_of(trainer: PolicyTrainer) -> Tensor:
    """Return each response's KL estimate to the reference, on fixed prompts and numbers."""
    at, trainer.update = trainer.update, 999
    rollout = PolicyTrainer.collect(trainer, PROMPTS)
    trainer.update = at
    return (rollout.logprobs - rollout.ref_logprobs).sum(dim=1)


@pytest.fixture(scope="module", params=["lora", "none"])
def runs(
    request: pytest.FixtureRequest, gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    straight, first, second = (recorded(gpt2_folder, request.param) for _ in range(3))
    stage_of(straight, tmp_path_factory.mktemp("straight")).train_round(0, AFTER, PROMPTS)
    run = tmp_path_factory.mktemp("stopped")
    stage_of(first, run).train_round(0, BEFORE, PROMPTS)
    stage = stage_of(second, run)
    stage.restore()
    kl = kl_of(first), kl_of(second)
    stage.train_round(0, AFTER, PROMPTS)
    return Runs(straight, first, second, *kl, run)


def test_s11_the_kl_to_the_base_survives_a_resume(runs: Runs) -> None:
    torch.testing.assert_close(runs.kl_when_restored, runs.kl_when_stopped, **EXACT)
    assert runs.kl_when_restored.mean() > 0.05


def test_s11_twin_that_anchors_the_reference_anew_has_no_kl(gpt2_folder: Path, runs: Runs) -> None:
    # The mistake: the policy's folder is taken for the base model of the resumed run.
    twin = trainer_on(runs.folder / "policy" / "round-0")
    assert kl_of(twin).abs().max() < 1e-3 < runs.kl_when_restored.mean()


def test_s12_weights_and_moments_equal_those_of_the_straight_run(runs: Runs) -> None:
    straight, second = runs.straight, runs.second
    pairs = zip(straight.optimizer.named_parameters, second.optimizer.named_parameters, strict=True)
    n_moments = 0
    for (name, one), (_, other) in pairs:
        torch.testing.assert_close(other, one, **EXACT, msg=name)
        moments = straight.optimizer.adam.state[one], second.optimizer.adam.state[other]
        assert moments[0].keys() == moments[1].keys()
        for key in moments[0]:
            torch.testing.assert_close(moments[1][key], moments[0][key], **EXACT, msg=key)
            n_moments += key == "exp_avg_sq"
    assert n_moments > 2
    assert second.optimizer.n_steps == straight.optimizer.n_steps
    assert second.kl_coef == straight.kl_coef


def test_s12_twins_with_fresh_moments_or_a_fresh_schedule_end_elsewhere(
    gpt2_folder: Path, runs: Runs, request: pytest.FixtureRequest
) -> None:
    adapter = request.node.callspec.params["runs"]
    checkpoint = load_checkpoint(runs.folder / "checkpoints" / "policy", Silent().say)
    assert checkpoint is not None and checkpoint.number == AFTER
    ends = []
    for moments, fresh_schedule in ((True, False), (False, False), (True, True)):
        trainer = recorded(gpt2_folder, adapter)
        adam = trainer.optimizer.adam if moments else None
        restore_training(checkpoint.tensors, trainer.optimizer.named_parameters, adam)
        trainer.update = 0 if fresh_schedule else AFTER - 1
        trainer.optimizer.n_steps = 0 if fresh_schedule else checkpoint.state["n_steps"]
        before = weights_of(trainer.optimizer.named_parameters)
        rollout = PolicyTrainer.collect(trainer, PROMPTS[:8])
        improve(trainer, rollout)
        ends.append(weights_of(trainer.optimizer.named_parameters) - before)
    for wrong in ends[1:]:
        assert (wrong - ends[0]).norm() > 0.1 * ends[0].norm()


def test_s13_no_prompt_is_replayed_or_skipped(runs: Runs) -> None:
    assert runs.first.prompt_ids + runs.second.prompt_ids == runs.straight.prompt_ids
    first_epoch = Counter(runs.straight.prompt_ids[: len(PROMPTS)])
    assert set(first_epoch.values()) == {1} and len(first_epoch) == len(PROMPTS)
    twin = runs.first.prompt_ids + runs.straight.prompt_ids[: len(runs.second.prompt_ids)]
    assert twin != runs.straight.prompt_ids


def test_s13_the_random_numbers_go_on_where_they_were(runs: Runs) -> None:
    resumed = runs.first.rollouts + runs.second.rollouts
    assert len(resumed) == AFTER
    for one, other in zip(runs.straight.rollouts, resumed, strict=True):
        torch.testing.assert_close(other.response, one.response, **EXACT)
        torch.testing.assert_close(other.logprobs, one.logprobs, **EXACT)
    assert not torch.equal(resumed[0].response, resumed[BEFORE].response)
