"""S6: the controller is fed nats per response, not nats per token.

Reported as trlx#438. With the mean over tokens a target of 6 nats lets 24 tokens drift by 144.
"""

import torch

from prefloop.functional.kl import sequence_kl
from prefloop.functional.kl_control import adaptive_kl_coef
from tests.wrong_twins import kl_twins

TARGET, TOKENS = 6.0, 24
KL = torch.full((8, TOKENS), 0.5)
"""12 nats a response: twice the target. Half a nat a token: a twelfth of it."""


def coef_after(kl: float) -> float:
    return adaptive_kl_coef(0.15, kl, target=TARGET, horizon=10_000.0, n_episodes=512)


def test_kl_of_a_response_is_the_sum_over_its_tokens() -> None:
    assert sequence_kl(KL).tolist() == [12.0] * 8


def test_controller_tightens_when_responses_have_drifted_too_far() -> None:
    assert coef_after(sequence_kl(KL).mean().item()) > 0.15


def test_twin_fed_the_mean_loosens_instead() -> None:
    assert coef_after(kl_twins.sequence_kl_mean(KL).mean().item()) < 0.15


def test_padding_dilutes_nothing() -> None:
    padded = torch.cat([KL, torch.zeros(8, 100)], dim=1)
    assert sequence_kl(padded).tolist() == sequence_kl(KL).tolist()
    assert kl_twins.sequence_kl_mean(padded)[0] < kl_twins.sequence_kl_mean(KL)[0]
