"""PPO as a method: what it aims at, and that each of its settings is used."""

from typing import Any

import pytest
import torch

from prefloop.batches import Rollout
from prefloop.functional.advantages import gae
from prefloop.functional.masking import masked_whiten
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.functional.rewards import shape_rewards
from prefloop.models.scoring import Forward
from prefloop.policy.methods.method import BatchSize
from prefloop.policy.methods.ppo import PPO, PPOSettings
from tests.tolerances import EXACT, FP32


def tensors(seed: int) -> torch.Tensor:
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))


MASK = torch.arange(5) < torch.tensor([5, 1, 4, 3, 5, 2]).unsqueeze(1)
ROLLOUT = Rollout(
    query=torch.zeros((6, 1), dtype=torch.long),
    query_mask=torch.ones((6, 1), dtype=torch.bool),
    response=torch.zeros((6, 5), dtype=torch.long),
    mask=MASK,
    is_ended=torch.ones(6, dtype=torch.bool),
    logprobs=tensors(1),
    ref_logprobs=tensors(2),
    values=tensors(3),
    scores=tensors(4)[:, 0],
)
FORWARD = Forward(
    logprobs=ROLLOUT.logprobs + 0.5 * tensors(5), entropy=tensors(6), values=3 * tensors(7)
)
SIZE = BatchSize(6, MASK.sum())


def loss_of(**settings: Any) -> Any:
    method = PPO(PPOSettings(**settings))
    targets = method.targets(ROLLOUT, kl_coef=0.3)
    return method.loss(FORWARD, ROLLOUT, targets, size=SIZE)


def test_advantages_and_returns_are_those_of_the_formulas() -> None:
    found = PPO(PPOSettings(gamma=0.9, lam=0.8)).targets(ROLLOUT, kl_coef=0.3)
    rewards, _ = shape_rewards(
        ROLLOUT.scores, ROLLOUT.logprobs, ROLLOUT.ref_logprobs, MASK, kl_coef=0.3
    )
    white = masked_whiten(rewards, MASK, center=False)
    assert ROLLOUT.values is not None
    advantages, returns = gae(white, ROLLOUT.values, MASK, gamma=0.9, lam=0.8)
    torch.testing.assert_close(found["returns"], returns, **EXACT)
    expected = masked_whiten(advantages, MASK, center=True)
    torch.testing.assert_close(found["advantages"], expected, **EXACT)


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ({"gamma": 0.5}, {"advantages", "returns"}),
        ({"lam": 0.1}, {"advantages", "returns"}),
        ({"whiten_rewards": False}, {"advantages", "returns"}),
        ({"clip_range": 0.01}, set()),
        ({"clip_range_value": 0.01}, set()),
        ({"vf_coef": 2.0}, set()),
    ],
    ids=lambda x: "-".join(x) if isinstance(x, dict) else "",
)
def test_a_setting_changes_the_targets_that_it_should(
    setting: dict[str, Any], changes: set[str]
) -> None:
    before = PPO(PPOSettings()).targets(ROLLOUT, kl_coef=0.3)
    after = PPO(PPOSettings(**setting)).targets(ROLLOUT, kl_coef=0.3)
    assert {name for name in before if not torch.equal(before[name], after[name])} == changes


def test_both_clip_ranges_and_the_weight_of_the_value_loss_are_used_where_they_belong() -> None:
    """Neither swapped nor written into the code."""
    settings = PPOSettings(clip_range=0.3, clip_range_value=0.7, vf_coef=0.4)
    found = loss_of(**settings.model_dump())
    targets = PPO(settings).targets(ROLLOUT, kl_coef=0.3)
    assert FORWARD.values is not None and ROLLOUT.values is not None
    policy = clipped_policy_loss(
        FORWARD.logprobs, ROLLOUT.logprobs, targets["advantages"], MASK, clip_range=0.3
    )
    value = clipped_value_loss(
        FORWARD.values, ROLLOUT.values, targets["returns"], MASK, clip_range_value=0.7
    )
    torch.testing.assert_close(found.loss, policy.loss + 0.4 * value.loss, **FP32)
    assert found.shares["policy/policy_loss"] == pytest.approx(policy.loss.item(), rel=1e-6)
    assert found.shares["policy/value_loss"] == pytest.approx(value.loss.item(), rel=1e-6)
    swapped = loss_of(clip_range=0.7, clip_range_value=0.3, vf_coef=0.4)
    for name in ("policy/policy_loss", "policy/value_loss", "policy/clip_fraction"):
        assert abs(swapped.shares[name] - found.shares[name]) > 1e-3


def test_the_metrics_it_reports_are_the_metrics_it_defines() -> None:
    found = loss_of()
    described = PPO(PPOSettings()).describe(ROLLOUT, kl_coef=0.3)
    assert {*found.shares, *found.maxima, *described} == set(PPO.metrics)
