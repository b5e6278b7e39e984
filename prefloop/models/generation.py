"""Sampling exactly T tokens with a cache, and the log-probability and value of each."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache

from prefloop.errors import DivergedError
from prefloop.functional.logprobs import ban_tokens
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.models.family import Trunk
from prefloop.models.heads import ValueHead


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Responses as ids, with what was known while they were drawn."""

    response: Int[Tensor, "B T"]
    logprobs: Float[Tensor, "B T"]
    values: Float[Tensor, "B T"] | None
    lower: Float[Tensor, "B L D"] | None
    """What the frozen layers said of query and response, L = Q + T tokens; None where no layer is
    shared."""


@torch.no_grad()
def generate(  # noqa: PLR0913 - the parts of one draw
    trunk: Trunk,
    query: Int[Tensor, "P Q"],
    query_mask: Bool[Tensor, "P Q"],
    *,
    n_tokens: int,
    per_query: int,
    temperature: float,
    banned: Bool[Tensor, " V"],
    generator: torch.Generator,
    value_head: ValueHead | None = None,
) -> Generation:
    """Draw `per_query` responses of exactly `n_tokens` tokens for every query.

    Plain categorical sampling: no top-k, no top-p, and end-of-text does not stop. Anything else
    makes the KL estimate of the sampled tokens meaningless (silent bug S7). A query is read once,
    however many responses it gets. Rows are query-major: the responses of one query are neighbors.
    """
    cache = DynamicCache(config=trunk.causal.config)
    hidden, lower = _read(trunk, query, query_mask, cache)
    if per_query > 1:
        cache.batch_repeat_interleave(per_query)
        hidden = hidden.repeat_interleave(per_query, dim=0)
        lower = [part.repeat_interleave(per_query, dim=0) for part in lower]
        query_mask = query_mask.repeat_interleave(per_query, dim=0)
    n_rows = hidden.shape[0]
    uniforms = torch.rand((n_tokens, n_rows), generator=generator)
    new = torch.ones((n_rows, n_tokens), dtype=torch.bool)
    mask = torch.cat([query_mask, new], dim=1)
    n_query = query.shape[1]
    tokens: list[Tensor] = []
    logprobs: list[Tensor] = []
    values: list[Tensor] = []
    for step in range(n_tokens):
        if step > 0:
            seen = mask[:, : n_query + step]
            hidden, more = _read(trunk, tokens[-1][:, None], seen, cache)
            lower += more
        logits = ban_tokens(trunk.logits(hidden), banned)
        token, logprob = _draw(logits, uniforms[step], temperature)
        tokens.append(token)
        logprobs.append(logprob)
        if value_head is not None:
            values.append(value_head.values(hidden))
    if trunk.lower_layers is not None:
        # The last token was drawn, but not read yet; a reward model reads it.
        last = tokens[-1][:, None]
        lower.append(trunk.lower_layers.of(trunk.hidden, last, mask, cache=cache))
    return Generation(
        response=torch.stack(tokens, dim=1),
        logprobs=torch.stack(logprobs, dim=1),
        values=torch.stack(values, dim=1) if values else None,
        lower=torch.cat(lower, dim=1) if lower else None,
    )


def _read(
    trunk: Trunk, ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B M"], cache: DynamicCache
) -> tuple[Float[Tensor, "B D"], list[Tensor]]:
    """Return the last token's hidden state, and what the frozen layers said of all, if shared."""
    if trunk.lower_layers is None:
        return trunk.hidden(ids, mask, cache=cache)[:, -1], []
    with trunk.lower_layers.noting() as lower:
        hidden = trunk.hidden(ids, mask, cache=cache)[:, -1]
    return hidden, lower


def _draw(
    logits: Float[Tensor, "B V"], uniforms: Float[Tensor, " B"], temperature: float
) -> tuple[Int[Tensor, " B"], Float[Tensor, " B"]]:
    try:
        return sample_inverse_cdf(logits, uniforms, temperature=temperature)
    except ValueError as error:
        raise DivergedError(
            f"the model cannot answer: {error}. If PPO was running, a step was too large: lower "
            "policy.lr and run the same command again. Else look at the model and the special "
            "tokens of its tokenizer."
        ) from error
