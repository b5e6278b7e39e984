"""Steps of methods with several responses to a prompt read it once, and are the same steps."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.models.roles import RoleModel
from prefloop.policy.trainer import PolicyTrainer
from tests.stages_for_tests import PROMPTS, disturb, require_resumed_as_uninterrupted, stage_in
from tests.stages_for_tests import trainer_on as small_trainer_on
from tests.tolerances import FP32
from tests.unit.policy.likes_even import rollout_of, trainer_on
from tests.unit.policy.methods.test_dpo import dpo_on, pairs_of

RULE = {"stop": "e", "stop_min": 1}
"""Responses of unequal lengths."""


def rloo_on(folder: Path, **changes: Any) -> PolicyTrainer:
    options = {"samples_per_prompt": 4}
    return trainer_on(folder, method="rloo", options=options, task=RULE, **changes)


def moved(trainer: PolicyTrainer) -> Rollout:
    """Return what a step learns from, where the policy has moved before it and since."""
    disturb(trainer.collector.roles.policy, 0.05)
    of_labels = trainer.labeled is not None
    rollout = pairs_of(trainer, 0) if of_labels else rollout_of(trainer)
    disturb(trainer.collector.roles.policy, 0.01)
    return rollout


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The rows and tokens of each pass."""
    shapes: list[tuple[int, int]] = []
    real = RoleModel.hidden

    def noted(role_model: RoleModel, ids: Tensor, *args: Any, **keywords: Any) -> Tensor:
        shapes.append((ids.shape[0], ids.shape[1]))
        return real(role_model, ids, *args, **keywords)

    monkeypatch.setattr(RoleModel, "hidden", noted)
    return shapes


@pytest.mark.parametrize("method", [rloo_on, dpo_on])
@pytest.mark.parametrize("microbatch_size", [32, 6])
def test_a_step_is_that_of_rows_apart(
    gpt2_folder: Path, method: Any, microbatch_size: int, read: list[tuple[int, int]]
) -> None:
    """Loss, metrics and gradient, the gradient in units of its largest part."""
    found, tokens = [], []
    for shares in (True, False):
        trainer = method(gpt2_folder, microbatch_size=microbatch_size)
        for role_model in (trainer.collector.roles.policy, trainer.collector.roles.reference):
            role_model.shares_queries = shares
        rollout = moved(trainer)
        read.clear()
        step = trainer.optimizer.step(rollout, kl_coef=0.1, kl_weight=0.5)
        tokens.append(sum(rows * width for rows, width in read))
        named = trainer.optimizer.named_parameters
        gradient = torch.cat([p.grad.flatten() for _, p in named if p.grad is not None])
        assert gradient.norm() > 0.01
        numbers = [step.loss, step.kl_increase, *step.shares.values(), *step.maxima.values()]
        own = [rollout.ref_logprobs, torch.tensor(numbers), gradient / gradient.abs().max()]
        found.append(torch.cat([part.flatten() for part in own]))
    torch.testing.assert_close(found[0], found[1], **FP32)
    assert tokens[0] < 0.8 * tokens[1]


def test_no_prompt_is_divided_from_its_row(gpt2_folder: Path) -> None:
    """Of four responses to each of eight prompts a pass of at most six reads four, one of three
    reads a pair; without sharing as many as it may."""
    for size, shares, first in ((6, True, 4), (3, True, 2), (12, True, 12), (6, False, 6)):
        trainer = rloo_on(gpt2_folder, microbatch_size=size)
        trainer.optimizer.policy.shares_queries = shares
        parts = trainer.optimizer.microbatches(rollout_of(trainer))
        assert len(parts[0]) == first
        assert torch.cat(list(parts)).tolist() == list(range(32))


def test_one_response_to_a_prompt_is_read_as_ever(
    gpt2_folder: Path, read: list[tuple[int, int]]
) -> None:
    trainer = trainer_on(gpt2_folder, method="ppo", microbatch_size=5)
    assert trainer.optimizer.shares_queries is None
    rollout = rollout_of(trainer)
    read.clear()
    trainer.optimizer.step(rollout, kl_coef=0.1)
    assert [rows for rows, _ in read] == [5] * 6 + [2]


@pytest.mark.parametrize("shares", [True, False])
def test_a_policy_records_whether_rows_are_shared(gpt2_folder: Path, shares: bool) -> None:
    trainer = rloo_on(gpt2_folder)
    trainer.optimizer.policy.shares_queries = shares
    assert trainer.optimizer.shares_queries is shares


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path, read: list[tuple[int, int]]
) -> None:
    """With microbatches that are smaller than a minibatch: one row of four responses each."""
    options = {"samples_per_prompt": 4}
    settings: dict[str, Any] = {"method": "rloo", "options": options, "microbatch_size": 4}
    straight, first, second = (
        stage_in(tmp_path / place, small_trainer_on(gpt2_folder, **settings, checkpoint_every=1))
        for place in ("straight", "stopped", "stopped")
    )
    require_resumed_as_uninterrupted(straight, first, second)
    query = straight.trainer.collector.sampler.queries_of(PROMPTS).ids
    assert (1, query.shape[1] + 4 * 5) in read
