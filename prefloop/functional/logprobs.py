"""Log-probabilities and entropy of tokens.

Shapes: batch = any, such as responses and their tokens; V = vocabulary.
Logits are divided by the sampling temperature in every one of them: the distribution that is scored
is the distribution that was sampled (Huang et al. 2023, detail 10).
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def token_logprobs(
    logits: Float[Tensor, "*batch V"], tokens: Int[Tensor, "*batch"], *, temperature: float
) -> Float[Tensor, "*batch"]:
    """Return the log-probability of each token.

        logprob_t = z[y_t] - log sum_v exp z[v],    z = logits / temperature

    Computed in float32 at least. The full table of log-probabilities is never built.
    """
    scaled = _scaled(logits, temperature)
    chosen = scaled.gather(-1, tokens.long().unsqueeze(-1)).squeeze(-1)
    return chosen - scaled.logsumexp(dim=-1)


def entropy(logits: Float[Tensor, "*batch V"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """Return the entropy of the next token at each position, in nats.

        H_t = - sum_v p[v] log p[v],    p = softmax(logits / temperature)

    A banned token (logit -inf) adds 0. For logging: its gradient is not finite where p = 0.
    """
    terms: Tensor = torch.special.entr(_scaled(logits, temperature).softmax(dim=-1))
    return terms.sum(dim=-1)


def ban_tokens(
    logits: Float[Tensor, "*batch V"], banned: Bool[Tensor, " V"]
) -> Float[Tensor, "*batch V"]:
    """Return logits that give the banned tokens probability 0.

    Use it alike in sampling and in scoring. Banning in one of the two only makes the KL estimate
    wrong, even negative (silent bug S7).
    """
    return logits.masked_fill(banned, float("-inf"))


def _scaled(logits: Float[Tensor, "*batch V"], temperature: float) -> Float[Tensor, "*batch V"]:
    logits = logits if logits.dtype == torch.float64 else logits.float()
    return logits if temperature == 1.0 else logits / temperature
