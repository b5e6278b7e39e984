"""The policy against rewards whose best policy is known: it must go there, wrong twins must not."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.functional.kl_control import adaptive_kl_coef
from prefloop.settings.policy import KLConfig
from tests.stages_for_tests import disturb
from tests.tolerances import MODEL
from tests.unit.policy.likes_even import (
    PROMPTS,
    lines_of,
    rollout_of,
    scores_of,
    trainer_on,
)


def test_c3_total_reward_is_score_minus_penalty_recomputed_in_float64(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder, kl=KLConfig(coef=0.3, control="fixed"))
    scores_of(trainer, 3)
    rollout = rollout_of(trainer)
    (metrics,) = lines_of(trainer, 1)
    kl = (rollout.logprobs.double() - rollout.ref_logprobs.double()).sum(dim=1).mean()
    total = rollout.scores.double().mean() - 0.3 * kl
    assert metrics["policy/total_reward"] == pytest.approx(total.item(), abs=1e-6)


def test_c6_kl_is_zero_before_the_first_update(gpt2_folder: Path) -> None:
    rollout = rollout_of(trainer_on(gpt2_folder))
    kl = (rollout.logprobs - rollout.ref_logprobs).sum(dim=1)
    torch.testing.assert_close(kl, torch.zeros_like(kl), **MODEL)


def test_every_prompt_is_used_once_before_any_is_used_twice(gpt2_folder: Path) -> None:
    trainer = trainer_on(gpt2_folder)
    many = [replace(PROMPTS[0], id=str(i)) for i in range(64)]
    first, second = (trainer.prompts_of(u, many) for u in (0, 1))
    assert sorted(int(p.id) for p in [*first, *second]) == list(range(64))
    assert [p.id for p in trainer.prompts_of(1, many)] == [p.id for p in second]
    assert [p.id for p in trainer.prompts_of(2, many)] != [p.id for p in first]


def test_no_prompt_stands_twice_in_an_update_where_two_passes_meet(gpt2_folder: Path) -> None:
    """Detail 39: 40 prompts, 32 to an update."""
    trainer = trainer_on(gpt2_folder)
    many = [replace(PROMPTS[0], id=str(i)) for i in range(40)]
    used = [[p.id for p in trainer.prompts_of(u, many)] for u in range(5)]
    in_order = [int(name) for name in chain(*used)]
    assert all(sorted(in_order[i : i + 40]) == list(range(40)) for i in range(0, 160, 40))
    assert all(len(set(ids)) == 32 for ids in used)


def test_the_controller_counts_episodes_and_sees_nats_per_response(gpt2_folder: Path) -> None:
    """Two minibatches, two epochs: neither is what `horizon` is counted in."""
    kl = KLConfig(coef=0.1, target=0.5, horizon=100.0)
    trainer = trainer_on(gpt2_folder, kl=kl, minibatches=2, epochs=2)
    disturb(trainer.collector.roles.policy)
    (line,) = lines_of(trainer, 1)
    assert line["policy/kl_coef"] == 0.1
    expected = adaptive_kl_coef(0.1, line["policy/kl"], target=0.5, horizon=100.0, n_episodes=32)
    assert trainer.kl_coef == expected > 0.1
    assert expected == pytest.approx(0.1 * (1 + 0.2 * 32 / 100))


@pytest.mark.parametrize(
    ("changed", "coef"),
    [
        ({"target": 1e6}, 0.1 * (1 - 0.2 * 32 / 100)),
        ({"horizon": 200.0}, 0.1 * (1 + 0.2 * 32 / 200)),
        ({"control": "fixed"}, 0.1),
    ],
    ids=["target", "horizon", "control"],
)
def test_each_setting_of_the_controller_is_used(
    gpt2_folder: Path, changed: dict[str, Any], coef: float
) -> None:
    kl = KLConfig(**{"coef": 0.1, "target": 0.5, "horizon": 100.0, **changed})
    trainer = trainer_on(gpt2_folder, kl=kl)
    disturb(trainer.collector.roles.policy)
    lines_of(trainer, 1)
    assert trainer.kl_coef == pytest.approx(coef)


@pytest.mark.parametrize("cap", [1.0, None])
def test_above_the_cap_the_policy_is_held_near_it(gpt2_folder: Path, cap: float | None) -> None:
    """The reward model likes where it goes; without a cap it runs on."""
    trainer = trainer_on(gpt2_folder, kl=KLConfig(control="fixed", coef=0.0, cap=cap))
    lines = lines_of(trainer, 20 if cap is None else 30)
    kl = [line["policy/kl"] for line in lines]
    weights = [line["policy/kl_cap_weight"] for line in lines]
    settled = sum(kl[-10:]) / 10
    if cap is None:
        assert settled > 2.0
        assert not any(weights)
    else:
        assert 0.7 < settled < 1.3
        assert all(weight > 0 for weight, nats in zip(weights, kl, strict=True) if nats > cap)
        assert any(weights)
