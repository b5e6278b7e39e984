"""Where a response ends.

Shapes: B = batch of responses, T = response tokens, V = vocabulary.
One index says it all: what truncates a response is also what makes it count as ended (silent bug
S2). A stop is found by its own tokens, never by comparing with the padding or the end-of-text token
(silent bug S3).
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def stop_index(
    response: Int[Tensor, "B T"], is_stop: Bool[Tensor, " V"], *, earliest: int
) -> Int[Tensor, " B"]:
    """Return the index of the first stop token at `earliest` or later; -1 where there is none.

    `is_stop` is True for the tokens that stop. Ids outside the vocabulary never stop.
    Ziegler et al. 2019, arXiv:1909.08593, section 3.1.2: first period at index 16 or later.
    """
    n_vocabulary = is_stop.shape[0]
    is_known = (response >= 0) & (response < n_vocabulary)
    found = is_stop[response.long().clamp(0, n_vocabulary - 1)] & is_known
    positions = torch.arange(response.shape[1], device=response.device)
    found = found & (positions >= earliest)
    n_tokens = response.shape[1]
    first = torch.where(found, positions, n_tokens).amin(dim=1)
    return torch.where(first < n_tokens, first, -1)


def truncation_mask(stop: Int[Tensor, " B"], n_tokens: int) -> Bool[Tensor, "B T"]:
    """Return a mask that is True up to and including the stop; all True where `stop` is -1."""
    positions = torch.arange(n_tokens, device=stop.device)
    return (positions <= stop.unsqueeze(1)) | (stop < 0).unsqueeze(1)
