"""Means, variances and whitening over the tokens that count.

Shapes: B = batch of responses, T = response tokens.
A mask is True where a token counts. No other polarity exists here.
What stands outside the mask is never read: it may be NaN or infinite.
"""

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor


def masked_sum(x: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Return the sum of `x` over the tokens that count; 0 if none does."""
    return x.masked_fill(~mask, 0.0).sum()


def masked_row_sums(x: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Return each response's sum of `x` over its tokens that count; 0 if none does."""
    return x.masked_fill(~mask, 0.0).sum(dim=1)


def masked_mean(
    x: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    denominator: Num[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Return the mean of `x` over the tokens that count.

        mean = sum_{b,t in mask} x / denominator

    `denominator` is the mask's own count, or the count of a whole minibatch of which `x` is one
    microbatch: then the means of its microbatches add up to the minibatch's mean.
    The mean of no token at all is undefined and raises ValueError.
    """
    if denominator is None:
        denominator = mask.sum()
    if not denominator > 0:
        raise ValueError("no token counts: the mask is False everywhere, so there is no mean")
    return masked_sum(x, mask) / denominator


def masked_var(x: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, ""]:
    """Return the biased variance of `x` over the tokens that count.

        var = sum_{b,t in mask} (x - mean)^2 / n

    Divided by n, not n - 1: TensorFlow's `tf.nn.moments`, which the 2019 code used.
    PyTorch's default differs visibly on small batches (Huang et al. 2023, detail 18).
    """
    return masked_mean((x - masked_mean(x, mask)).square(), mask)


def masked_whiten(
    x: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"], *, center: bool, eps: float = 1e-8
) -> Float[Tensor, "B T"]:
    """Return `x` scaled to unit variance over the tokens that count; zero elsewhere.

        white = (x - mean) / sqrt(var + eps)           center=True: advantages
        white = (x - mean) / sqrt(var + eps) + mean    center=False: rewards

    center=False keeps the mean as it was, not scaled.
    Ziegler et al. 2019, arXiv:1909.08593 (released code, `whiten`).
    """
    mean = masked_mean(x, mask)
    white = (x - mean) * torch.rsqrt(masked_var(x, mask) + eps)
    if not center:
        white = white + mean
    return white.masked_fill(~mask, 0.0)


def last_index(mask: Bool[Tensor, "B T"]) -> Num[Tensor, " B"]:
    """Return the index of each response's last token that counts; ValueError if one has none."""
    if not bool(mask.any(dim=1).all()):
        raise ValueError("a response has no token that counts, so it has no last token")
    positions = torch.arange(mask.shape[1], device=mask.device)
    return (positions * mask).amax(dim=1)
