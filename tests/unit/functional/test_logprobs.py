"""Log-probabilities and entropy."""

import torch

from prefloop.functional.logprobs import ban_tokens, entropy, token_logprobs
from tests.tolerances import FP32, FP64

GENERATOR = torch.Generator().manual_seed(5)
LOGITS = torch.randn(3, 4, 11, generator=GENERATOR, dtype=torch.float64) * 3
TOKENS = torch.randint(0, 10, (3, 4), generator=GENERATOR)


def test_logprobs_are_those_of_torchs_categorical() -> None:
    known = torch.distributions.Categorical(logits=LOGITS / 0.7)
    result = token_logprobs(LOGITS, TOKENS, temperature=0.7)
    torch.testing.assert_close(result, known.log_prob(TOKENS), **FP64)
    torch.testing.assert_close(entropy(LOGITS, temperature=0.7), known.entropy(), **FP64)


def test_probabilities_of_all_tokens_sum_to_one() -> None:
    every = torch.arange(11).expand(4, 11).T
    logits = LOGITS[:1].expand(11, 4, 11)
    total = token_logprobs(logits, every, temperature=0.5).exp().sum(dim=0)
    torch.testing.assert_close(total, torch.ones(4, dtype=torch.float64), **FP64)


def test_half_precision_logits_are_scored_in_single_precision() -> None:
    result = token_logprobs(LOGITS.bfloat16(), TOKENS, temperature=1.0)
    assert result.dtype == torch.float32
    wide = LOGITS.bfloat16().float()
    torch.testing.assert_close(result, token_logprobs(wide, TOKENS, temperature=1.0), **FP32)


def test_banned_tokens_have_no_probability_and_do_not_break_entropy_or_gradient() -> None:
    banned = torch.zeros(11, dtype=torch.bool)
    banned[10] = True
    logits = LOGITS.clone().requires_grad_()
    hidden = ban_tokens(logits, banned)
    assert token_logprobs(hidden, torch.full((3, 4), 10), temperature=1.0).isneginf().all()
    torch.testing.assert_close(
        entropy(hidden, temperature=0.7), entropy(LOGITS[..., :10], temperature=0.7), **FP64
    )
    token_logprobs(hidden, TOKENS, temperature=0.7).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[..., 10] == 0).all()


def test_gradient_is_that_of_the_full_table() -> None:
    one, two = (LOGITS.clone().requires_grad_() for _ in range(2))
    token_logprobs(one, TOKENS, temperature=0.7).sum().backward()
    (two / 0.7).log_softmax(-1).gather(-1, TOKENS.unsqueeze(-1)).sum().backward()
    assert one.grad is not None and two.grad is not None
    torch.testing.assert_close(one.grad, two.grad, **FP64)


def test_a_huge_logit_does_not_overflow() -> None:
    logits = torch.tensor([[[1e4, 0.0, -1e4]]])
    assert token_logprobs(logits, torch.tensor([[0]]), temperature=0.5).item() == 0.0
    assert entropy(logits, temperature=0.5).item() == 0.0
