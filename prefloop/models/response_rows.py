"""Responses of a rollout as rows of tokens: each with its query, or several with theirs in common.

    apart:    [query response 1]  [query response 2]  ...
    one row:  [query response 1 response 2 ...]

What a token sees, and its position, are those of `shared_query`. Here all queries of a batch have
one width, padded on the left, and all responses another, so all rows have the same layout.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from prefloop.models.roles import RoleModel
from prefloop.models.shared_query import MOST_TOKENS

LEAST_SPARED = 0.2
"""The share of the tokens of rows apart that a row of several has to spare: each of its tokens is
multiplied with more of them, most of which it does not see."""


@dataclass(frozen=True)
class ResponseRows:
    """The layout of rows: how wide queries and responses are, and how many share a row."""

    n_query: int
    n_tokens: int
    """Of a response. Its last one is not read: nothing follows it."""
    n_shared: int
    """Neighboring responses to one query that stand in a row; 1: each has a row of its own."""

    @property
    def length(self) -> int:
        """Tokens of a row."""
        return self.n_query + self.n_shared * (self.n_tokens - 1)

    def hidden(
        self,
        role_model: RoleModel,
        query: Int[Tensor, "B Q"],
        query_mask: Bool[Tensor, "B Q"],
        response: Int[Tensor, "B T"],
        prefix_states: Float[Tensor, "B L D"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return the final hidden states in front of each response's tokens."""
        known = None if prefix_states is None else prefix_states[:, :-1]
        if known is not None and self.n_shared > 1:
            known = self.joined(known[:, : self.n_query], known[:, self.n_query :])
        found = role_model.hidden(
            self.joined(query, response[:, :-1]),
            self.mask(query_mask),
            positions=self.positions(query_mask),
            prefix_states=known,
        )
        return self.of_responses(found)

    def joined(self, query: Tensor, response: Tensor) -> Tensor:
        """Return what is known of queries and of responses less their last, by token of a row.

        First dimension: responses; second: tokens.
        """
        n_rows = len(response) // self.n_shared
        behind = response.reshape(n_rows, self.length - self.n_query, *response.shape[2:])
        return torch.cat([query[:: self.n_shared], behind], dim=1)

    def mask(
        self, query_mask: Bool[Tensor, "B Q"]
    ) -> Bool[Tensor, "R L"] | Bool[Tensor, "R 1 L L"]:
        """Return which tokens count; of several responses, what each token of a row sees."""
        ones = query_mask.new_ones((len(query_mask), self.n_tokens - 1))
        counts = self.joined(query_mask, ones)
        if self.n_shared == 1:
            return counts
        numbers = torch.arange(1, self.n_shared + 1, device=counts.device)
        in_query = torch.zeros_like(counts[0, : self.n_query], dtype=torch.long)
        part = torch.cat([in_query, numbers.repeat_interleave(self.n_tokens - 1)])
        place = torch.arange(self.length, device=counts.device)
        earlier, itself = place[:, None] >= place, place[:, None] == place
        sees = earlier & ((part[:, None] == part) | (part == 0))
        return ((sees & counts[:, :, None] & counts[:, None, :]) | itself)[:, None]

    def positions(self, query_mask: Bool[Tensor, "B Q"]) -> Int[Tensor, "R L"] | None:
        """Return the positions of tokens; None where each has a row of its own."""
        if self.n_shared == 1:
            return None
        within = torch.arange(self.n_tokens - 1, device=query_mask.device)
        before = query_mask.long().cumsum(dim=1)
        return self.joined((before - 1).clamp(min=0), before[:, -1:] + within)

    def of_responses(self, hidden: Float[Tensor, "R L D"]) -> Float[Tensor, "B T D"]:
        """Return the hidden states in front of each response's tokens."""
        if self.n_shared == 1:
            return hidden[:, -self.n_tokens :]
        first = hidden[:, None, self.n_query - 1 : self.n_query]
        shape = (len(hidden), self.n_shared, self.n_tokens - 1, hidden.shape[2])
        rest = hidden[:, self.n_query :].reshape(shape)
        return torch.cat([first.expand(-1, self.n_shared, -1, -1), rest], dim=2).flatten(0, 1)


def responses_in_row(
    role_model: RoleModel,
    query: Int[Tensor, "B Q"],
    response: Int[Tensor, "B T"],
    *,
    per_query: int,
    at_once: int,
) -> int:
    """Return how many of the `per_query` responses to a query share a row; 1: none.

    The most that divide `per_query`, that one pass may read (`at_once`), and whose row is no longer
    than `MOST_TOKENS`; fewer tokens than apart have to be worth it, and the model able to do it.
    """
    if not role_model.shares_queries:
        return 1
    apart = ResponseRows(query.shape[1], response.shape[1], 1).length
    for n in range(min(per_query, at_once), 1, -1):
        length = ResponseRows(query.shape[1], response.shape[1], n).length
        is_worth_it = length <= (1 - LEAST_SPARED) * n * apart
        if per_query % n == 0 and length <= MOST_TOKENS and is_worth_it:
            return n
    return 1
