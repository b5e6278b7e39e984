"""Sampling up to T tokens with a cache, and the log-probability and value of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache

from prefloop.errors import DivergedError
from prefloop.functional.logprobs import ban_tokens
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.models.heads import ValueHead
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import FULL_PRECISION, RandomStream

ENDED = -1
"""The state of a response that has ended."""

Ends = Callable[[Int[Tensor, " B"], Int[Tensor, " B"], int], Int[Tensor, " B"]]
"""States of responses, the tokens that follow, and their index in the responses in; the next states
out, ENDED where a token ends its response. A response begins in state 0."""

FULL_ENOUGH = 7 / 8
"""The batch is made smaller when fewer of its rows are active: each time, the cache is copied."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Responses as ids, with what was computed while they were drawn.

    After the end of a response come `fill` tokens, with 0 as log-probability and value; their
    `prefix_states` have no meaning.
    """

    response: Int[Tensor, "B T"]
    logprobs: Float[Tensor, "B T"]
    values: Float[Tensor, "B T"] | None
    prefix_states: Float[Tensor, "B L D"] | None
    """Frozen-layer outputs for query and response, L = Q + T tokens; None if no layer is frozen."""


class PartOfBatch(NamedTuple):
    """Where the queries of one process stand in the batch that several share."""

    first: int
    n_queries: int
    """Of the whole batch."""


def next_states(
    transitions: Int[Tensor, "S V"], states: Int[Tensor, " B"], tokens: Int[Tensor, " B"]
) -> Int[Tensor, " B"]:
    """Return the states of responses after these tokens; ids outside the vocabulary change none."""
    last = transitions.shape[1] - 1
    is_known = (tokens >= 0) & (tokens <= last)
    return torch.where(is_known, transitions[states.clamp(min=0), tokens.clamp(0, last)], states)


@torch.no_grad()
def generate(  # noqa: PLR0913 - the parts of one draw
    role_model: RoleModel,
    query: Int[Tensor, "P Q"],
    query_mask: Bool[Tensor, "P Q"],
    *,
    n_tokens: int,
    per_query: int,
    temperature: float,
    banned: Bool[Tensor, " V"],
    seed: int,
    value_head: ValueHead | None = None,
    ends: Ends | None = None,
    fill: int = 0,
    part: PartOfBatch | None = None,
) -> Generation:
    """Draw `per_query` responses of `n_tokens` tokens for every query, or up to where they end.

    Plain categorical sampling: no top-k, no top-p, and end-of-text does not stop. Anything else
    makes the KL estimate of the sampled tokens meaningless (silent bug S7). Each query is read
    once, however many responses it gets. Rows are query-major: the responses of one query are
    neighbors. Each row has its own random numbers, by its place in the whole batch.
    """
    response = query.new_full((query.shape[0] * per_query, n_tokens), fill)
    rows = _Rows(role_model, query, query_mask, per_query, response, value_head)
    uniforms = _uniforms(seed, response, part or PartOfBatch(0, len(query)), per_query)
    for step in range(n_tokens):
        if step > 0:
            rows.read(step)
        rows.drop_ended()
        if not len(rows.active):
            break
        logits = ban_tokens(role_model.logits(rows.hidden), banned)
        token, logprob = _draw(logits, uniforms[step, rows.active], temperature)
        rows.write(step, token, logprob)
        if ends is not None:
            rows.end(ends, token, step)
    else:
        # The model has not been run on the last token, which the reward model needs.
        rows.capture_last()
    return rows.generation()


def _uniforms(
    seed: int, response: Int[Tensor, "B T"], part: PartOfBatch, per_query: int
) -> Float[Tensor, "T B"]:
    """Return the random numbers of each row, which depend on its place in the whole batch alone."""
    n_rows, n_tokens = response.shape
    first = part.first * per_query
    whole = RandomStream(seed).uniform(
        (n_tokens, part.n_queries * per_query), device=response.device
    )
    return whole[:, first : first + n_rows]


class _Rows:
    """Responses while they are drawn. `active` are the rows that the cache holds."""

    def __init__(
        self,
        role_model: RoleModel,
        query: Int[Tensor, "P Q"],
        query_mask: Bool[Tensor, "P Q"],
        per_query: int,
        response: Int[Tensor, "B T"],
        value_head: ValueHead | None,
    ) -> None:
        n_rows, n_tokens = response.shape
        self.n_query = query.shape[1]
        self.role_model, self.value_head, self.response = role_model, value_head, response
        self.logprobs = torch.zeros_like(response, dtype=FULL_PRECISION)
        self.values = None if value_head is None else value_head.weight.new_zeros(response.shape)
        self.active = torch.arange(n_rows, device=response.device)
        self.has_ended = query_mask.new_zeros(n_rows)
        self.states = torch.zeros_like(self.active)
        self.cache = DynamicCache(config=role_model.causal.config)
        hidden, prefix_states = self._read(query, query_mask)
        if per_query > 1:
            self.cache.batch_repeat_interleave(per_query)
        self.hidden = hidden.repeat_interleave(per_query, dim=0)
        self.prefix_states: Tensor | None = None
        if prefix_states is not None:
            known = prefix_states.repeat_interleave(per_query, dim=0)
            new = known.new_zeros((n_rows, n_tokens, known.shape[-1]))
            self.prefix_states = torch.cat([known, new], dim=1)
        to_come = query_mask.new_ones((n_rows, n_tokens))
        self.mask = torch.cat([query_mask.repeat_interleave(per_query, dim=0), to_come], dim=1)

    def read(self, step: int) -> None:
        """Run the model on the tokens drawn in the step before, the last of a response included."""
        seen = self.mask[self.active, : self.n_query + step]
        self.hidden, prefix_states = self._read(self.response[self.active, step - 1][:, None], seen)
        if self.prefix_states is not None and prefix_states is not None:
            self.prefix_states[self.active, self.n_query + step - 1] = prefix_states[:, 0]

    def drop_ended(self) -> None:
        """Remove ended rows from the cache, if enough of them have ended."""
        n_rows = len(self.active)
        on = torch.nonzero(~self.has_ended).squeeze(1)
        if len(on) > FULL_ENOUGH * n_rows:
            return
        self.active, self.hidden = self.active[on], self.hidden[on]
        self.has_ended, self.states = self.has_ended[on], self.states[on]
        if len(on):
            self.cache.batch_select_indices(on)

    def write(self, step: int, token: Int[Tensor, " N"], logprob: Float[Tensor, " N"]) -> None:
        """Append a token to every row that has not ended."""
        on = ~self.has_ended
        self.response[self.active[on], step] = token[on]
        self.logprobs[self.active[on], step] = logprob[on]
        if self.values is not None and self.value_head is not None:
            self.values[self.active[on], step] = self.value_head.values(self.hidden)[on]

    def end(self, ends: Ends, token: Int[Tensor, " N"], step: int) -> None:
        """Mark the rows that end with these tokens."""
        self.states = ends(self.states, token, step)
        self.has_ended |= self.states == ENDED

    def capture_last(self) -> None:
        """Run the frozen layers alone on the last token of each response."""
        frozen_prefix = self.role_model.frozen_prefix
        if frozen_prefix is not None and self.prefix_states is not None:
            last = self.response[self.active, -1][:, None]
            prefix_states = frozen_prefix.compute(
                self.role_model.hidden, last, self.mask[self.active], cache=self.cache
            )
            self.prefix_states[self.active, -1] = prefix_states[:, 0]

    def generation(self) -> Generation:
        """Return all rows as they are."""
        return Generation(
            response=self.response,
            logprobs=self.logprobs,
            values=self.values,
            prefix_states=self.prefix_states,
        )

    def _read(
        self, ids: Int[Tensor, "B L"], mask: Bool[Tensor, "B M"]
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B L D"] | None]:
        """Return the last token's hidden state, and the frozen layers' outputs if there are any."""
        if self.role_model.frozen_prefix is None:
            return self.role_model.hidden(ids, mask, cache=self.cache)[:, -1], None
        with self.role_model.frozen_prefix.capture() as captured:
            hidden = self.role_model.hidden(ids, mask, cache=self.cache)[:, -1]
        return hidden, captured[0]


def _draw(
    logits: Float[Tensor, "B V"], uniforms: Float[Tensor, " B"], temperature: float
) -> tuple[Int[Tensor, " B"], Float[Tensor, " B"]]:
    try:
        return sample_inverse_cdf(logits, uniforms, temperature=temperature)
    except ValueError as error:
        raise DivergedError(
            f"the model cannot answer: {error}. If the policy was being trained, a step was too "
            "large: lower policy.lr and run the same command again. Else look at the model and the "
            "special tokens of its tokenizer."
        ) from error
