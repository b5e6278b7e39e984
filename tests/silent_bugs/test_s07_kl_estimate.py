"""S7: the KL estimate is right because the tokens come from the distribution that is scored.

Reported as trl#351, #615, #925, #1857: top-k, top-p, a minimum length, or another temperature in
sampling makes the estimate biased, even negative, and the model diverges.
"""

import pytest
import torch
from torch import Tensor

from prefloop.functional.kl import exact_kl, kl_k1, kl_k3
from prefloop.functional.logprobs import ban_tokens, token_logprobs
from prefloop.functional.sampling import sample_inverse_cdf
from tests.tolerances import STATISTICAL

TEMPERATURE, N = 0.7, 8000
GENERATOR = torch.Generator().manual_seed(11)
POLICY = torch.randn(6, generator=GENERATOR)
REFERENCE = 2.0 * POLICY
"""Sharper than the policy, as a reference is whose policy has become more various."""
MASK = torch.ones(N, 1, dtype=torch.bool)
UNIFORMS = (torch.arange(N) + 0.5) / N


def estimates(sampled_from: Tensor, *, temperature: float = TEMPERATURE) -> tuple[float, float]:
    """Return the means of k1 and k3 over tokens drawn from `sampled_from`, scored by the policy."""
    tokens, _ = sample_inverse_cdf(sampled_from.expand(N, -1), UNIFORMS, temperature=temperature)
    logprobs, ref = (
        token_logprobs(x.expand(N, 1, -1), tokens.unsqueeze(1), temperature=TEMPERATURE)
        for x in (POLICY, REFERENCE)
    )
    return kl_k1(logprobs, ref, MASK).mean().item(), kl_k3(logprobs, ref, MASK).mean().item()


def exact() -> float:
    return exact_kl(
        POLICY.expand(1, 1, -1), REFERENCE.expand(1, 1, -1), temperature=TEMPERATURE
    ).item()


def test_both_estimators_meet_the_exact_kl() -> None:
    k1, k3 = estimates(POLICY)
    torch.testing.assert_close(torch.tensor([k1, k3]), torch.full((2,), exact()), **STATISTICAL)
    assert exact() > 0.1


def top_k(k: int) -> Tensor:
    """Return the policy's logits with all but the `k` likeliest tokens cut off."""
    banned = torch.ones(6, dtype=torch.bool)
    banned[POLICY.topk(k).indices] = False
    return ban_tokens(POLICY, banned)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_twin_with_top_k_sampling_finds_too_little_kl(k: int) -> None:
    k1, _ = estimates(top_k(k))
    assert k1 < exact() - 0.05


def test_twin_with_greedy_sampling_or_a_lower_temperature_finds_a_negative_kl() -> None:
    assert estimates(top_k(1))[0] < 0 < exact()
    assert estimates(POLICY, temperature=0.3)[0] < 0 < exact()


def test_a_token_banned_in_sampling_and_scoring_leaves_the_estimate_right() -> None:
    banned = torch.tensor([False, True, False, False, True, False])
    policy, reference = ban_tokens(POLICY, banned), ban_tokens(REFERENCE, banned)
    tokens, _ = sample_inverse_cdf(policy.expand(N, -1), UNIFORMS, temperature=TEMPERATURE)
    logprobs, ref = (
        token_logprobs(x.expand(N, 1, -1), tokens.unsqueeze(1), temperature=TEMPERATURE)
        for x in (policy, reference)
    )
    known = exact_kl(policy.expand(1, 1, -1), reference.expand(1, 1, -1), temperature=TEMPERATURE)
    torch.testing.assert_close(kl_k1(logprobs, ref, MASK).mean(), known.squeeze(), **STATISTICAL)


def test_estimate_against_itself_is_exactly_zero() -> None:
    logprobs = torch.randn(4, 3, generator=GENERATOR)
    mask = torch.ones(4, 3, dtype=torch.bool)
    assert (kl_k1(logprobs, logprobs, mask) == 0).all()
    assert (kl_k3(logprobs, logprobs, mask) == 0).all()
