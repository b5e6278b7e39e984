"""Drawing tokens.

Shapes: B = batch of responses, V = vocabulary.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def sample_inverse_cdf(
    logits: Float[Tensor, "B V"], uniforms: Float[Tensor, " B"], *, temperature: float
) -> tuple[Int[Tensor, " B"], Float[Tensor, " B"]]:
    """Return (tokens, logprobs): one token per row, drawn by inverting the cumulative probability.

        token   = min { v : p[0] + ... + p[v] > u },    p = softmax(logits / temperature)
        logprob = log p[token]

    Each row has its own uniform number in [0, 1): a response depends on its own stream alone, not
    on who shares its batch. No top-k, no top-p, no minimum length (silent bug S7). A token of
    probability 0 is never drawn, at neither edge of [0, 1].
    """
    scaled = logits.float() if temperature == 1.0 else logits.float() / temperature
    logprobs = scaled.log_softmax(dim=-1)
    cumulative = logprobs.exp().cumsum(dim=-1, dtype=torch.float64)
    total = cumulative[:, -1:].contiguous()
    # Rounding may leave the total a little off 1, and may carry u * total onto it.
    inside = torch.searchsorted(cumulative, uniforms.double().unsqueeze(1) * total, right=True)
    last = torch.searchsorted(cumulative, total)
    token = torch.minimum(inside, last)
    return token.squeeze(1), logprobs.gather(1, token).squeeze(1)
