"""Comparisons in, the hidden states that the score head reads out."""

from collections.abc import Sequence
from functools import partial

from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from prefloop.models.roles import RoleModel
from prefloop.models.shared_query import IdGroup, TokenRows, rows_apart, shared_rows

COMPARISON_CACHE_BYTES = 1_000_000_000
"""Memory for the frozen-layer outputs of comparisons; what does not fit is computed each time."""

Group = tuple[tuple[int, ...], ...]
"""The sequences of one comparison."""


class ComparisonReader:
    """Reads comparisons, their query once for all responses where the model can; what the frozen
    layers make of each is kept."""

    def __init__(self, role_model: RoleModel, pad_id: int) -> None:
        self._role_model = role_model
        self._pad_id = pad_id
        self._known: dict[Group, list[Tensor]] = {}
        self._n_bytes = 0

    def last_hidden(self, comparisons: Sequence[Group]) -> Float[Tensor, "N D"]:
        """Return the final hidden state at the end of each response, in the order of comparisons.

        One pass with its gradient, so keep it to a microbatch.
        """
        prefix_states = None
        if self._role_model.frozen_prefix is not None:
            known = [row for comparison in comparisons for row in self._prefix_of(comparison)]
            prefix_states = pad_sequence(known, batch_first=True)
        return self._read(self._rows(comparisons), prefix_states)

    def last_hidden_once(self, groups: Sequence[IdGroup]) -> Float[Tensor, "N D"]:
        """Return the same for groups that come once, of which nothing is kept."""
        return self._read(self._rows(groups), None)

    def _read(
        self, rows: TokenRows, prefix_states: Float[Tensor, "B L D"] | None
    ) -> Float[Tensor, "N D"]:
        hidden = self._role_model.hidden(
            rows.ids, rows.mask, positions=rows.positions, prefix_states=prefix_states
        )
        return hidden.flatten(0, 1)[rows.ends]

    def _prefix_of(self, comparison: Group) -> list[Float[Tensor, "L D"]]:
        """Return the frozen-layer outputs for each row of a comparison, computed once if they fit.

        Each comparison is a pass of its own: with others in the batch the last bits could differ,
        and a resumed run would no longer equal an uninterrupted one.
        """
        known = self._known.get(comparison)
        if known is None:
            known = self._run_frozen(self._rows([comparison]))
            n_bytes = sum(row.nbytes for row in known)
            if self._n_bytes + n_bytes <= COMPARISON_CACHE_BYTES:
                self._known[comparison] = known
                self._n_bytes += n_bytes
        return known

    def _run_frozen(self, rows: TokenRows) -> list[Float[Tensor, "L D"]]:
        frozen_prefix = self._role_model.frozen_prefix
        assert frozen_prefix is not None, "no layer is frozen"
        run = partial(self._role_model.hidden, positions=rows.positions)
        states = frozen_prefix.compute(run, rows.ids, rows.mask)
        return [row[:n].clone() for row, n in zip(states, rows.lengths, strict=True)]

    def _rows(self, comparisons: Sequence[IdGroup]) -> TokenRows:
        lay_out = shared_rows if self._role_model.shares_queries else rows_apart
        return lay_out(comparisons, self._pad_id, self._role_model.runtime.device)
