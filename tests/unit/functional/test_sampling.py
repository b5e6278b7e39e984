"""Tokens are drawn with the probabilities that are scored."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from prefloop.functional.logprobs import ban_tokens, token_logprobs
from prefloop.functional.sampling import sample_inverse_cdf
from tests.tolerances import FP32

LOGITS = torch.tensor([[2.0, 0.0, 1.0, -1.0, 0.5]])
N = 20_000


def draw(temperature: float, *, seed: int = 0, logits: Tensor = LOGITS) -> tuple[Tensor, Tensor]:
    uniforms = torch.rand(N, generator=torch.Generator().manual_seed(seed))
    return sample_inverse_cdf(logits.expand(N, -1), uniforms, temperature=temperature)


def p_value(tokens: Tensor, temperature: float) -> float:
    expected = (LOGITS[0].double() / temperature).softmax(0) * N
    counts = tokens.bincount(minlength=5)
    return float(stats.chisquare(counts.numpy(), expected.numpy()).pvalue)


@pytest.mark.parametrize("temperature", [0.5, 0.7, 1.0])
def test_frequencies_follow_the_tempered_softmax(temperature: float) -> None:
    tokens, _ = draw(temperature)
    assert p_value(tokens, temperature) > 0.001


def test_twin_without_temperature_is_seen_by_the_same_test() -> None:
    tokens, _ = draw(1.0)
    assert p_value(tokens, 0.7) < 1e-6


def test_even_uniforms_give_each_token_its_exact_share() -> None:
    uniforms = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    tokens, _ = sample_inverse_cdf(LOGITS.expand(N, -1), uniforms, temperature=0.7)
    expected = (LOGITS[0].double() / 0.7).softmax(0) * N
    assert (tokens.bincount(minlength=5) - expected).abs().max() <= 1.0


def test_logprob_is_the_one_that_scoring_finds() -> None:
    tokens, logprobs = draw(0.7)
    scored = token_logprobs(LOGITS.expand(N, 1, -1), tokens.unsqueeze(1), temperature=0.7)
    torch.testing.assert_close(logprobs, scored.squeeze(1), **FP32)


@pytest.mark.parametrize("u", [0.0, 2.0**-40, 0.5, 1 - 2.0**-24, 1 - 2.0**-53, 1.0])
@pytest.mark.parametrize("banned", [[0], [4], [0, 4], [1, 2], [0, 1, 3, 4], [0, 1, 2, 3]])
def test_banned_token_is_never_drawn_at_any_edge(u: float, banned: list[int]) -> None:
    is_banned = torch.zeros(5, dtype=torch.bool)
    is_banned[banned] = True
    logits = ban_tokens(LOGITS, is_banned)
    uniform = torch.tensor([u], dtype=torch.float64)
    tokens, logprobs = sample_inverse_cdf(logits, uniform, temperature=0.7)
    assert tokens.item() not in banned
    assert math.isfinite(logprobs.item())


def test_a_wide_vocabulary_with_a_banned_tail_stays_inside() -> None:
    logits = torch.randn(64, 50_000, generator=torch.Generator().manual_seed(1))
    logits[:, 49_000:] = float("-inf")
    logits[:, 0] = float("-inf")
    for u in (0.0, 1 - 2.0**-24, 1.0):
        tokens, _ = sample_inverse_cdf(logits, torch.full((64,), u), temperature=1.0)
        assert ((tokens > 0) & (tokens < 49_000)).all()


def test_a_row_depends_on_its_own_uniform_alone() -> None:
    logits = torch.randn(8, 13, generator=torch.Generator().manual_seed(2))
    uniforms = torch.rand(8, generator=torch.Generator().manual_seed(3))
    together, _ = sample_inverse_cdf(logits, uniforms, temperature=0.7)
    alone = [
        sample_inverse_cdf(logits[i : i + 1], uniforms[i : i + 1], temperature=0.7)[0].item()
        for i in range(8)
    ]
    assert together.tolist() == alone


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_row_from_which_nothing_can_be_drawn_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="nothing can be drawn"):
        sample_inverse_cdf(torch.full((1, 4), value), torch.tensor([0.5]), temperature=1.0)
