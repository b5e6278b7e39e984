"""Optimizer steps: what divides a batch changes no result, and every setting reaches its place."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.errors import DivergedError
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.kl import kl_k2
from prefloop.functional.masking import masked_mean
from prefloop.models.generation import ENDED
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import Forward
from prefloop.policy.optimize import cap_weight
from prefloop.policy.trainer import PolicyTrainer
from prefloop.rewards.model import RewardModel
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig
from tests.stages_for_tests import (
    Adapter,
    Rule,
    disturb,
    improve,
    sampler_on,
    trainer_of,
    weights_of,
)
from tests.tolerances import EXACT, FP32, MODEL
from tests.unit.policy.likes_even import LikesEven, rollout_of, scores_of, trainer_on


def gradient(trainer: PolicyTrainer) -> Tensor:
    """Return the gradient that the last step left, in one row."""
    named = trainer.optimizer.named_parameters
    return torch.cat([p.grad.flatten() for _, p in named if p.grad is not None])


@pytest.mark.parametrize("method", ["ppo", "rloo", "a2po"])
@pytest.mark.parametrize("kl_weight", [0.0, 0.5])
def test_microbatches_change_neither_metrics_nor_gradient(
    gpt2_folder: Path, method: str, kl_weight: float
) -> None:
    """Weights would not tell: Adam's first steps do not see the gradient's scale."""
    gradients, found = [], []
    for size in (32, 5):
        rule = {"stop": "e", "stop_min": 1}
        trainer = trainer_on(gpt2_folder, method=method, microbatch_size=size, task=rule)
        disturb(trainer.collector.roles.policy, 0.05)
        rollout = rollout_of(trainer)
        disturb(trainer.collector.roles.policy, 0.01)
        step = trainer.optimizer.step(rollout, kl_coef=0.1, kl_weight=kl_weight)
        assert abs(step.kl_increase) > 0.01
        numbers = [step.loss, step.kl_increase, *step.shares.values(), *step.maxima.values()]
        found.append(torch.tensor(numbers))
        gradients.append(gradient(trainer))
    assert gradients[0].norm() > 0.01
    torch.testing.assert_close(gradients[1], gradients[0], **MODEL)
    torch.testing.assert_close(found[1], found[0], **MODEL)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_no_gradient_outlives_an_update(gpt2_folder: Path, adapter: Adapter) -> None:
    """With full copies they would be one model's size more, through the next reward training."""
    trainer = trainer_on(gpt2_folder, adapter=adapter)
    rollout = rollout_of(trainer)
    trainer.optimizer.step(rollout, kl_coef=0.1)
    assert gradient(trainer).norm() > 0
    improve(trainer, rollout)
    assert [name for name, p in trainer.optimizer.named_parameters if p.grad is not None] == []


def test_the_kl_term_is_added_with_its_weight(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, lr=1e-12)
    disturb(trainer.collector.roles.policy)
    rollout = rollout_of(trainer)
    gradients, losses = [], []
    for weight in (0.0, 0.25, 1.0):
        losses.append(trainer.optimizer.step(rollout, kl_coef=0.1, kl_weight=weight).loss)
        gradients.append(gradient(trainer).clone())
    term = masked_mean(
        kl_k2(rollout.logprobs, rollout.ref_logprobs, rollout.mask), rollout.mask
    ).item()
    assert term > 0.01
    assert losses[1] - losses[0] == pytest.approx(0.25 * term, rel=1e-3)
    assert losses[2] - losses[0] == pytest.approx(term, rel=1e-3)
    quarter, whole = gradients[1] - gradients[0], gradients[2] - gradients[0]
    torch.testing.assert_close(4 * quarter, whole, **MODEL)
    assert whole.norm() > 0.01


@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_steps_on_the_kl_term_lead_back_to_the_reference(gpt2_folder: Path, weight: float) -> None:
    """Without a score; the twin of the other sign runs away."""
    trainer = trainer_on(gpt2_folder, LikesEven(0.0), options={"vf_coef": 0.0}, lr=3e-3)
    disturb(trainer.collector.roles.policy, 0.05)
    kl = []
    for _ in range(8):
        rollout = rollout_of(trainer)
        kl.append((rollout.logprobs - rollout.ref_logprobs).sum(dim=1).mean().item())
        trainer.optimizer.step(rollout, kl_coef=0.0, kl_weight=weight)
    assert kl[0] > 0.2
    assert kl[-1] < 0.7 * kl[0] if weight > 0 else kl[-1] > kl[0]


def test_each_step_weighs_by_the_kl_that_the_one_before_found(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that is led back from far above is let go where the cap begins."""
    trainer = trainer_on(gpt2_folder, epochs=8, kl=KLConfig(control="fixed", coef=0.0))
    scores_of(trainer, 4)
    rollout = rollout_of(trainer)
    kl = (rollout.logprobs - rollout.ref_logprobs).sum(dim=1).mean().item()
    capped = KLConfig(control="fixed", coef=0.0, cap=kl / 1.25)
    optimizer = trainer.optimizer
    optimizer.config = optimizer.config.model_copy(update={"kl": capped})
    weights, found = [], []
    step = optimizer.step

    def noted(minibatch: Rollout, *, kl_coef: float, kl_weight: float = 0.0) -> Any:
        weights.append(kl_weight)
        found.append(step(minibatch, kl_coef=kl_coef, kl_weight=kl_weight))
        return found[-1]

    monkeypatch.setattr(optimizer, "step", noted)
    metrics = improve(trainer, rollout, kl=kl)
    asked = [kl, *(kl + step.kl_increase for step in found[:-1])]
    assert weights == [cap_weight(capped, nats) for nats in asked]
    assert weights[0] == 1.0
    assert min(weights) < 0.5
    assert metrics["policy/kl_cap_weight"] == pytest.approx(sum(weights) / len(weights))
    assert metrics["policy/kl_increase"] < 0.0


class Noted:
    """Remembers the rows of each minibatch and Adam's settings at each step."""

    def __init__(self, trainer: PolicyTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[list[int]]] = []
        self.adam: list[tuple[float, float]] = []
        step = trainer.optimizer.step

        def noted(minibatch: Rollout, **keywords: Any) -> Any:
            self.batches.append(minibatch.response.tolist())
            group = trainer.optimizer.adam.param_groups[0]
            self.adam.append((group["lr"], group["eps"]))
            return step(minibatch, **keywords)

        monkeypatch.setattr(trainer.optimizer, "step", noted)


def test_minibatches_hold_every_response_once_per_epoch_in_another_order_each(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_on(gpt2_folder, minibatches=4, epochs=3)
    noted = Noted(trainer, monkeypatch)
    rollout = rollout_of(trainer)
    improve(trainer, rollout)
    assert [len(batch) for batch in noted.batches] == [8] * 12
    epochs = [[*chain(*noted.batches[e * 4 : e * 4 + 4])] for e in range(3)]
    assert all(sorted(rows) == sorted(rollout.response.tolist()) for rows in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    again = Noted(trainer, monkeypatch)
    trainer.update += 1
    improve(trainer, rollout)
    assert again.batches[:4] != noted.batches[:4], "each update has orders of its own"


def test_responses_to_one_prompt_stay_together_in_a_minibatch(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a response's baseline would be the reward of another prompt's response."""
    options = {"samples_per_prompt": 4}
    trainer = trainer_on(gpt2_folder, method="rloo", options=options, minibatches=2, epochs=2)
    noted = Noted(trainer, monkeypatch)
    rollout = rollout_of(trainer)
    improve(trainer, rollout)
    groups = [rollout.response[i : i + 4].tolist() for i in range(0, 32, 4)]
    orders = [[groups.index(batch[i : i + 4]) for i in range(0, 16, 4)] for batch in noted.batches]
    assert sorted(orders[0] + orders[1]) == sorted(orders[2] + orders[3]) == list(range(8))
    assert orders[:2] != orders[2:]


def test_adams_epsilon_and_step_size_reach_the_optimizer(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Detail 21, and detail 5: corrected at every step, falling with every update."""
    trainer = trainer_on(gpt2_folder, minibatches=2, epochs=2, adam_eps=1e-3, episodes=128, lr=0.01)
    noted = Noted(trainer, monkeypatch)
    scores_of(trainer, 2)
    eps = [tensorflow_eps(n, eps=1e-3) for n in range(1, 9)]
    assert noted.adam == [(0.01, e) for e in eps[:4]] + [(0.0075, e) for e in eps[4:]]
    ends = []
    for adam_eps in (1e-8, 1e-1):
        other = trainer_on(gpt2_folder, adam_eps=adam_eps)
        before = weights_of(other.optimizer.named_parameters)
        scores_of(other, 1)
        ends.append((weights_of(other.optimizer.named_parameters) - before).norm())
    assert ends[1] < 0.5 * ends[0], "a large epsilon makes small steps"


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_or_infinite_is_refused_before_it_reaches_the_weights(
    gpt2_folder: Path, spoilt: float
) -> None:
    trainer = trainer_on(gpt2_folder)
    rollout = rollout_of(trainer)
    assert rollout.values is not None
    rollout.values[0, 0] = spoilt
    before = weights_of(trainer.optimizer.named_parameters)
    with pytest.raises(DivergedError, match=r"the loss of ppo became (nan|inf).*lower policy\.lr"):
        improve(trainer, rollout)
    torch.testing.assert_close(weights_of(trainer.optimizer.named_parameters), before, **EXACT)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_the_gradients_length_is_that_of_all_that_is_trained(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch, adapter: Adapter
) -> None:
    trainer = trainer_on(gpt2_folder, adapter=adapter, minibatches=2, epochs=2)
    step, lengths = trainer.optimizer.step, []

    def measured(minibatch: Rollout, **keywords: Any) -> Any:
        found = step(minibatch, **keywords)
        squares = sum(number * number for number in gradient(trainer).double().tolist())
        lengths.append(squares**0.5)
        assert found.maxima["policy/grad_norm"] == pytest.approx(lengths[-1], rel=1e-4)
        return found

    monkeypatch.setattr(trainer.optimizer, "step", measured)
    metrics = improve(trainer, rollout_of(trainer))
    assert len({round(length, 6) for length in lengths}) == 4, "each step has its own"
    assert metrics["policy/grad_norm"] == pytest.approx(max(lengths), rel=1e-4)


def test_a_gradient_that_is_no_number_is_refused_where_the_loss_is_one(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root at 0 adds nothing to the loss, and 0 times infinity to its gradient."""
    trainer = trainer_on(gpt2_folder)
    rollout, loss = rollout_of(trainer), trainer.method.loss

    def with_a_root(forward: Forward, *given: Any, **named: Any) -> Any:
        found = loss(forward, *given, **named)
        return replace(found, loss=found.loss + (0.0 * forward.logprobs.square()).sum().sqrt())

    monkeypatch.setattr(trainer.method, "loss", with_a_root)
    before = weights_of(trainer.optimizer.named_parameters)
    with pytest.raises(DivergedError, match=r"the gradient of ppo became nan.*lower policy\.lr"):
        improve(trainer, rollout)
    torch.testing.assert_close(weights_of(trainer.optimizer.named_parameters), before, **EXACT)


def test_an_infinite_loss_alone_is_refused(gpt2_folder: Path) -> None:
    """Not by way of NaN: the largest ratio that a float can hold is passed."""
    trainer = trainer_on(gpt2_folder, options={"clip_range": 1e30})
    rollout = rollout_of(trainer)
    rollout.logprobs[:] = -200.0
    with pytest.raises(DivergedError, match=r"became -?inf"):
        trainer.optimizer.step(rollout, kl_coef=0.0)


def test_rows_of_a_rollout_are_the_same_rows(gpt2_folder: Path) -> None:
    rollout = rollout_of(trainer_on(gpt2_folder))
    part = rollout.rows(torch.tensor([3, 1]))
    torch.testing.assert_close(part.logprobs, rollout.logprobs[[3, 1]], **FP32)


def test_layers_that_are_shared_change_no_number_of_an_update(model_folder: Path) -> None:
    """One trainer continues above the frozen layers, the other runs every layer every time."""
    tokenizer = load_tokenizer(model_folder)
    rule: Rule = {"stop": ".", "stop_min": 1, "response_tokens": 6}
    rollouts, steps = [], []
    for is_shared in (True, False):
        models = ModelsConfig(lora_rank=4, lora_top_layers=1)
        roles = ModelRoles(load_causal(model_folder, tokenizer, runtime=CPU), models, seed=1)
        if not is_shared:
            for role_model in (roles.policy, roles.reward, roles.reference):
                role_model.frozen_prefix = None
        sampler = sampler_on(tokenizer, roles, **rule)
        reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=2)
        size = {"batch_size": 32, "episodes": 3200, "microbatch_size": 32, "lr": 3e-3}
        trainer = trainer_of(roles, reward_model, sampler, **size)
        assert sampler.stop_rule._transitions is not None
        sampler.stop_rule._transitions[0, ::9] = ENDED  # Now some responses end, others do not.
        rollouts.append(rollout_of(trainer))
        improve(trainer, rollouts[-1])
        steps.append(rollout_of(trainer))
    (shared, whole), (after_shared, after_whole) = rollouts, steps
    assert shared.prefix_states is not None and whole.prefix_states is None
    assert shared.is_ended.any() and not shared.is_ended.all()
    for name in ("response", "logprobs", "ref_logprobs", "values", "scores"):
        torch.testing.assert_close(getattr(shared, name), getattr(whole, name), **MODEL)
    torch.testing.assert_close(after_shared.logprobs, after_whole.logprobs, **MODEL)
    assert (after_shared.logprobs - shared.logprobs).abs().max() > 1e-3, "no step was taken"
