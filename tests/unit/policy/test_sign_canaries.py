"""C1 and C2: training goes where the reward points; every turned sign makes one of them fail."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.policy.methods import ppo
from prefloop.settings.policy import KLConfig
from tests.unit.policy.likes_even import LikesEven, lines_of, scores_of, trainer_on
from tests.wrong_twins import canary_twins as twins


def check_c1(model: Path) -> None:
    """Liked tokens become frequent."""
    fixed = KLConfig(coef=0.01, control="fixed")
    trainer = trainer_on(model, LikesEven(), kl=fixed, lr=6e-3, epochs=3)
    scores = scores_of(trainer, 14)
    assert 2.0 < scores[0] < 4.0
    assert sum(scores[-4:]) / 4 > 4.2, "C1"


def check_c2(model: Path) -> None:
    """Without any reward the penalty brings a policy back that was moved away."""
    fixed, short = KLConfig(coef=2.0, control="fixed"), {"response_tokens": 4}
    trainer = trainer_on(model, LikesEven(0.0), kl=fixed, epochs=3, task=short)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in trainer.collector.roles.policy.named_parameters:
            parameter.add_(0.08 * torch.randn(parameter.shape, generator=generator))
    kl = [line["policy/kl"] for line in lines_of(trainer, 16)]
    assert kl[0] > 0.2
    assert sum(kl[-4:]) / 4 < 0.6 * kl[0], "C2"


@pytest.mark.parametrize("canary", [check_c1, check_c2])
def test_a_sound_method_passes(canary: Callable[[Path], None], gpt2_folder: Path) -> None:
    canary(gpt2_folder)


@pytest.mark.parametrize(
    ("twin", "canary", "name"),
    [
        (twins.reward_turned, check_c1, "C1"),
        (twins.kl_turned, check_c2, "C2"),
        (twins.both_turned, check_c1, "C1"),
        (twins.both_turned, check_c2, "C2"),
    ],
)
def test_a_turned_sign_fails(
    twin: Any,
    canary: Callable[[Path], None],
    name: str,
    gpt2_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ppo, "shape_rewards", twin)
    with pytest.raises(AssertionError, match=name):
        canary(gpt2_folder)
