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
    probability 0 is never drawn, at neither edge of [0, 1]. In float32: a token's chance is right
    to about 1e-7. Several times faster than `torch.multinomial` on a CPU.
    """
    probabilities = (logits.float() / temperature).softmax(dim=-1)
    cumulative = probabilities.cumsum(dim=-1)
    total = cumulative[:, -1:].contiguous()
    if not bool((total > 0).all()):
        raise ValueError("a row of logits holds NaN or bans every token: nothing can be drawn")
    # Rounding leaves the total a little off 1, and may carry u * total onto the total itself.
    inside = torch.searchsorted(cumulative, uniforms.float().unsqueeze(1) * total, right=True)
    last = torch.searchsorted(cumulative, total)
    token = torch.minimum(inside, last)
    return token.squeeze(1), probabilities.gather(1, token).log().squeeze(1)
