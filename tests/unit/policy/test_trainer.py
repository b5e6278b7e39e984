"""PPO against rewards whose best policy is known: it must go there, and wrong twins must not."""

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from prefloop.models.heads import ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.policy.trainer import PPOTrainer, select_rows
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import KLConfig, PolicyConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task_presets import load_task
from tests.stages_for_tests import disturb
from tests.tolerances import EXACT, FP32, MODEL

PROMPTS = [
    Prompt(id=str(i), text=text, source="test", split="train")
    for i, text in enumerate(["The sun was warm.", "He was sad.", "Call me Ishmael."])
]
TASK = {"response_tokens": 6, "stop": None, "stop_min": 0, "temperature": 1.0}


class LikesEven:
    """A reward model that likes even token ids among the last six: one point for each."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign

    def score(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        return self.sign * torch.tensor([float(sum(i % 2 == 0 for i in s[-6:])) for s in sequences])


def trainer_on(folder: Path, reward: Any, **changes: Any) -> PPOTrainer:
    tokenizer = load_tokenizer(folder)
    causal = load_causal(folder, tokenizer)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=4), seed=1)
    task = load_task({"name": "sentiment", **TASK, **changes.pop("task", {})})
    vocabulary = causal.get_output_embeddings().weight.shape[0]
    samples = SamplesConfig(**changes.pop("samples", {}))
    sampler = Sampler(tokenizer, task, samples, vocabulary=vocabulary)
    settings = {"batch_size": 32, "episodes": 3200, "microbatch_size": 32, "lr": 3e-3} | changes
    config = PolicyConfig(**settings)
    return PPOTrainer(roles, ValueHead(roles.policy.width), reward, sampler, config, seed=1)


def scores_over(trainer: PPOTrainer, updates: int) -> list[float]:
    prompts = PROMPTS
    return [
        trainer.step(trainer.prompts_of(trainer.update, prompts))["policy/score"]
        for _ in range(updates)
    ]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_c1_liked_tokens_become_frequent_and_with_the_sign_flipped_rare(
    gpt2_folder: Path, sign: float
) -> None:
    fixed = KLConfig(coef=0.01, control="fixed")
    trainer = trainer_on(gpt2_folder, LikesEven(sign), kl=fixed, lr=6e-3, epochs=3)
    scores = [sign * s for s in scores_over(trainer, 16)]
    assert 2.0 < scores[0] < 4.0
    if sign > 0:
        assert sum(scores[-5:]) / 5 > 4.5
    else:
        assert sum(scores[-5:]) / 5 < 2.0


@pytest.mark.parametrize("kl_coef, returns", [(2.0, True), (-2.0, False)])
def test_c2_without_reward_the_kl_penalty_brings_a_moved_policy_back(
    gpt2_folder: Path, kl_coef: float, returns: bool
) -> None:
    fixed, short = KLConfig(coef=0.0, control="fixed"), {"response_tokens": 4}
    trainer = trainer_on(gpt2_folder, LikesEven(0.0), kl=fixed, epochs=3, task=short)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in trainer.roles.policy.named_parameters:
            parameter.add_(0.08 * torch.randn(parameter.shape, generator=generator))
    trainer.kl_coef = kl_coef
    kl = [trainer.step(trainer.prompts_of(trainer.update, PROMPTS))["policy/kl"] for _ in range(18)]
    assert kl[0] > 0.2
    assert (sum(kl[-5:]) / 5 < 0.5 * kl[0]) == returns


def test_c6_kl_is_zero_before_the_first_update(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven())
    rollout = trainer.respond(trainer.prompts_of(0, PROMPTS))
    kl = (rollout.logprobs - rollout.ref_logprobs).sum(dim=1)
    torch.testing.assert_close(kl, torch.zeros_like(kl), **MODEL)


def test_c3_total_reward_is_score_minus_penalty_recomputed_in_float64(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven(), kl=KLConfig(coef=0.3, control="fixed"))
    scores_over(trainer, 3)
    rollout = trainer.respond(trainer.prompts_of(trainer.update, PROMPTS))
    metrics = trainer.step(trainer.prompts_of(trainer.update, PROMPTS))
    kl = (rollout.logprobs.double() - rollout.ref_logprobs.double()).sum(dim=1).mean()
    total = rollout.scores.double().mean() - 0.3 * kl
    assert metrics["policy/total_reward"] == pytest.approx(total.item(), abs=1e-6)


def test_microbatches_change_neither_losses_nor_gradient(gpt2_folder: Path) -> None:
    """Weights would not tell: Adam's first steps do not see the gradient's scale."""
    gradients, losses = [], []
    for size in (32, 4):
        rule = {"stop": "e", "stop_min": 1}
        trainer = trainer_on(gpt2_folder, LikesEven(), microbatch_size=size, task=rule)
        rollout = trainer.respond(trainer.prompts_of(0, PROMPTS))
        disturb(trainer.roles.policy)
        step = trainer.improve_minibatch(rollout)
        assert abs(step.kl_increase) > 0.1
        losses.append(torch.tensor(list(vars(step).values())))
        named = trainer.named_parameters
        gradients.append(torch.cat([p.grad.flatten() for _, p in named if p.grad is not None]))
    assert gradients[0].norm() > 0.01
    torch.testing.assert_close(gradients[1], gradients[0], **MODEL)
    torch.testing.assert_close(losses[1], losses[0], **MODEL)


def test_every_prompt_is_used_once_before_any_is_used_twice(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven())
    many = [SimpleNamespace(id=i) for i in range(64)]
    first, second = (trainer.prompts_of(u, many) for u in (0, 1))
    assert sorted(p.id for p in [*first, *second]) == list(range(64))
    assert [p.id for p in trainer.prompts_of(1, many)] == [p.id for p in second]
    assert [p.id for p in trainer.prompts_of(2, many)] != [p.id for p in first]


def test_unended_responses_get_the_penalty_and_tokens_after_the_stop_are_ignored(
    gpt2_folder: Path,
) -> None:
    rule = {"stop": ".", "stop_min": 1, "response_tokens": 6}
    trainer = trainer_on(gpt2_folder, LikesEven(), task=rule)
    rollout = trainer.respond(trainer.prompts_of(0, PROMPTS))
    assert (rollout.scores[~rollout.is_ended] == -1).all()
    assert rollout.mask[~rollout.is_ended].all()
    response = torch.tensor([[60, 61, trainer.sampler.stop_rule.stop_id, 60, 60, 60]] * 3)
    stop_mask = trainer.sampler.stop_rule.apply(response)
    assert stop_mask.is_ended.all() and stop_mask.mask.sum() == 9
    scores = trainer.score(PROMPTS, response, stop_mask.is_ended)
    expected = torch.tensor(
        [float(sum(i % 2 == 0 for i in s)) for s in _last_six(trainer, response)]
    )
    torch.testing.assert_close(scores, expected, **EXACT)
    trained = trainer_on(gpt2_folder, LikesEven(), task=rule, samples={"after_stop": "train"})
    assert trained.sampler.loss_mask(stop_mask).all()


@pytest.mark.parametrize("after_stop", ["ignore", "train"])
def test_an_update_trains_on_what_was_drawn(gpt2_folder: Path, after_stop: str) -> None:
    """Were tokens counted that nobody drew, their banned padding would make the KL infinite."""
    rule = {"stop": "e", "stop_min": 1, "response_tokens": 12}
    trainer = trainer_on(gpt2_folder, LikesEven(), task=rule, samples={"after_stop": after_stop})
    rollout = trainer.respond(trainer.prompts_of(0, PROMPTS))
    is_padding = rollout.response == trainer.sampler.tokenizer.pad_id
    assert torch.equal(is_padding, ~rollout.mask)
    assert is_padding.any() == (after_stop == "ignore")
    assert not rollout.logprobs[is_padding].any() and not rollout.ref_logprobs[is_padding].any()
    assert all(
        math.isfinite(value) for value in trainer.step(trainer.prompts_of(0, PROMPTS)).values()
    )


def _last_six(trainer: PPOTrainer, response: Tensor) -> list[list[int]]:
    """What the reward model may look at: the query, then the response up to its stop token."""
    query = [trainer.sampler.tokenizer.encode(p.text) for p in PROMPTS]
    return [(q + r[:3])[-6:] for q, r in zip(query, response.tolist(), strict=True)]


@pytest.mark.parametrize("cap", [1.0, None])
def test_beyond_the_cap_the_policy_is_held_near_it(gpt2_folder: Path, cap: float | None) -> None:
    """The reward model likes where it goes; without a cap it runs on."""
    trainer = trainer_on(gpt2_folder, LikesEven(), kl=KLConfig(control="fixed", coef=0.0, cap=cap))
    kl, weights = [], []
    for _ in range(40):
        metrics = trainer.step(trainer.prompts_of(trainer.update, PROMPTS))
        kl.append(metrics["policy/kl"])
        weights.append(metrics["policy/kl_cap_weight"])
    settled = sum(kl[-10:]) / 10
    if cap is None:
        assert settled > 2.0
        assert not any(weights)
    else:
        assert 0.7 < settled < 1.3
        assert all(weight > 0 for weight, nats in zip(weights, kl, strict=True) if nats > cap)
        assert any(weights)


def test_the_way_back_is_added_with_its_weight(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven())
    scores_over(trainer, 2)
    rollout = trainer.respond(trainer.prompts_of(trainer.update, PROMPTS))
    within, beyond = trainer.estimate(rollout), trainer.estimate(rollout, kl_cap_weight=0.25)
    back = beyond.advantages - within.advantages
    assert within.advantages.std(correction=0).item() == pytest.approx(1.0, abs=1e-4)
    assert back.std(correction=0).item() == pytest.approx(0.25, abs=1e-4)
    kl = rollout.logprobs - rollout.ref_logprobs
    assert torch.corrcoef(torch.stack([back.flatten(), kl.flatten()]))[0, 1] < -0.999
    torch.testing.assert_close(beyond.returns, within.returns, **EXACT)


def test_each_step_knows_the_kl_that_the_one_before_found(gpt2_folder: Path) -> None:
    """A policy that is led back from far beyond is let go where the cap begins."""
    trainer = trainer_on(gpt2_folder, LikesEven(), epochs=8, kl=KLConfig(coef=0.0))
    scores_over(trainer, 4)
    rollout = trainer.respond(trainer.prompts_of(trainer.update, PROMPTS))
    kl = (rollout.logprobs - rollout.ref_logprobs).sum(dim=1).mean().item()
    within_a_clipped_step = KLConfig(coef=0.0, cap=kl / 1.25)
    trainer.config = trainer.config.model_copy(update={"kl": within_a_clipped_step})
    asked, found = [], []
    kl_cap_weight, improve = trainer.kl_cap_weight, trainer.improve_minibatch
    trainer.kl_cap_weight = lambda kl: asked.append(kl) or kl_cap_weight(kl)  # type: ignore[method-assign, func-returns-value]
    trainer.improve_minibatch = lambda *a, **k: found.append(improve(*a, **k)) or found[-1]  # type: ignore[method-assign, func-returns-value]
    metrics = trainer.improve(rollout, kl)
    assert asked == [kl, *(kl + step.kl_increase for step in found[:-1])]
    weights = [kl_cap_weight(nats) for nats in asked]
    assert weights[0] == 1.0
    assert min(weights) < 0.5
    assert metrics["policy/kl_cap_weight"] == pytest.approx(sum(weights) / len(weights))
    assert metrics["policy/kl_increase"] < 0.0


def test_a_minibatch_of_a_rollout_is_the_same_rows(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, LikesEven())
    rollout = trainer.respond(trainer.prompts_of(0, PROMPTS))
    part = select_rows(rollout, torch.tensor([3, 1]))
    torch.testing.assert_close(part.logprobs, rollout.logprobs[[3, 1]], **FP32)


def test_layers_that_are_shared_change_no_number_of_an_update(model_folder: Path) -> None:
    """One trainer goes on above the frozen layers, the other runs every layer every time."""
    tokenizer = load_tokenizer(model_folder)
    rule = {"stop": ".", "stop_min": 1, "response_tokens": 6}
    rollouts, steps = [], []
    for is_shared in (True, False):
        roles = ModelRoles(
            load_causal(model_folder, tokenizer),
            ModelsConfig(lora_rank=4, lora_top_layers=1),
            seed=1,
        )
        if not is_shared:
            for role_model in (roles.policy, roles.reward, roles.reference):
                role_model.frozen_prefix = None
        trainer = trainer_on(model_folder, None, task=rule)
        trainer.reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=2)
        trainer = PPOTrainer(
            roles,
            ValueHead(roles.policy.width),
            trainer.reward_model,
            trainer.sampler,
            trainer.config,
            seed=1,
        )
        trainer.sampler.stop_rule._is_stop[::9] = True  # Now some responses end, others do not.
        rollouts.append(trainer.respond(trainer.prompts_of(0, PROMPTS)))
        trainer.improve(rollouts[-1], 0.0)
        steps.append(trainer.respond(trainer.prompts_of(0, PROMPTS)))
    (shared, whole), (after_shared, after_whole) = rollouts, steps
    assert shared.prefix_states is not None and whole.prefix_states is None
    assert shared.is_ended.any() and not shared.is_ended.all()
    for name in ("response", "logprobs", "ref_logprobs", "values", "scores"):
        torch.testing.assert_close(getattr(shared, name), getattr(whole, name), **MODEL)
    torch.testing.assert_close(after_shared.logprobs, after_whole.logprobs, **MODEL)
    assert (after_shared.logprobs - shared.logprobs).abs().max() > 1e-3, "no step was taken"
