"""Forward passes over finished responses: log-probabilities, values, and scores."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from prefloop.functional.logprobs import ban_tokens, entropy, token_logprobs
from prefloop.models.heads import ValueHead
from prefloop.models.response_rows import ResponseRows
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import Device


class Forward(NamedTuple):
    """Per-token results of one forward pass, for the response tokens."""

    logprobs: Float[Tensor, "B T"]
    entropy: Float[Tensor, "B T"]
    values: Float[Tensor, "B T"] | None


def respond_forward(  # noqa: PLR0913 - the parts of one draw
    role_model: RoleModel,
    query: Int[Tensor, "B Q"],
    query_mask: Bool[Tensor, "B Q"],
    response: Int[Tensor, "B T"],
    *,
    temperature: float,
    banned: Bool[Tensor, " V"],
    value_head: ValueHead | None = None,
    with_entropy: bool = False,
    prefix_states: Float[Tensor, "B Q+T D"] | None = None,
    loss_mask: Bool[Tensor, "B T"] | None = None,
    n_shared: int = 1,
) -> Forward:
    """Return log-probabilities (and values, and entropy) of given responses.

    Logits are computed at the response's positions only, at the position before each token, and
    divided by the temperature of sampling (detail 10). Outside `loss_mask` the LM head is not run:
    log-probability and entropy are 0. `prefix_states` are those of the generation. `n_shared`
    neighbors, which answer the same query, stand in a row (`responses_in_row`).
    """
    rows = ResponseRows(query.shape[1], response.shape[1], n_shared)
    hidden = rows.hidden(role_model, query, query_mask, response, prefix_states)
    if loss_mask is None:
        loss_mask = torch.ones_like(response, dtype=torch.bool)
    logits = ban_tokens(role_model.logits(hidden[loss_mask]), banned)
    logprobs = token_logprobs(logits, response[loss_mask], temperature=temperature)
    spread = torch.zeros_like(logprobs)
    if with_entropy:
        with torch.no_grad():
            spread = entropy(logits.detach(), temperature=temperature)
    values = value_head.values(hidden) if value_head is not None else None
    return Forward(_scattered(logprobs, loss_mask), _scattered(spread, loss_mask), values)


def _scattered(
    numbers: Float[Tensor, " N"], loss_mask: Bool[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """Return the numbers, in order, where `loss_mask` is True, and 0 elsewhere."""
    return numbers.new_zeros(loss_mask.shape).masked_scatter(loss_mask, numbers)


def last_token_scores(
    role_model: RoleModel,
    read: Callable[[Float[Tensor, "B D"]], Tensor],
    sequence: Int[Tensor, "B L"],
    mask: Bool[Tensor, "B L"],
    *,
    prefix_states: Float[Tensor, "B L D"] | None = None,
) -> Tensor:
    """Return the reward model's score of each sequence, read at its last token that counts.

    `read` is a head's `scores` or `member_scores`.

    Padding is on the right, so ids alone fix every position, and transformers' own
    `AutoModelForSequenceClassification` gives the same number (silent bug S4).
    """
    hidden = role_model.hidden(sequence, mask, prefix_states=prefix_states)
    last = mask.long().sum(dim=1) - 1
    rows = torch.arange(sequence.shape[0], device=sequence.device)
    return read(hidden[rows, last])


def banned_mask(vocabulary: int, banned: Sequence[int], device: Device) -> Bool[Tensor, " V"]:
    """Return True for every id that can never be sampled."""
    mask = torch.zeros(vocabulary, dtype=torch.bool, device=device)
    mask[list(banned)] = True
    return mask
