"""The responses to one query as one row, in which the query is read once for all of them.

    apart:    [query response 1]  [query response 2]  ...
    one row:  [query response 1 response 2 ...]

A token sees those before it in the query and in its own response, and its position counts no
others, so its hidden states are those of the row apart. What sequences begin with in common is
their query here, be it a prompt or more. With four responses to a prompt of their length, a row has
five parts for eight.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from prefloop.models.compatibility import AGREES_TO, is_close
from prefloop.models.language_model import FORWARD_ERRORS
from prefloop.models.padding import pad_right
from prefloop.models.runtime import Device, Runtime

IdGroup = Sequence[Sequence[int]]
"""Ids of query + response, one entry per response to the same query."""

TRIAL: IdGroup = ((1, 2, 3, 4, 5), (1, 2, 3, 6), (1, 2, 3, 4, 7, 2))
"""Sequences that begin alike; a sequence read with another's positions, or seeing its tokens, has
other hidden states."""

MOST_TOKENS = 1024
"""Of a row of sequences that were not asked for together: each of them costs memory for all."""

LENGTH_ROPES = ("dynamic", "longrope")
"""Rotary positions whose frequencies change beyond a length of text."""

ROUNDING = 4.0
"""How far other shapes may move hidden states in half precision, in units of its last digit."""


class TokenRows(NamedTuple):
    """Groups of sequences as rows of tokens. Padding is on the right."""

    ids: Int[Tensor, "B L"]
    mask: Bool[Tensor, "B L"] | Bool[Tensor, "B 1 L L"]
    """Which tokens count; or True where the token of a row (third axis) attends to one of the same
    row (fourth)."""
    positions: Int[Tensor, "B L"] | None
    """None where a token's position is its place in the row."""
    ends: Int[Tensor, " N"]
    """Where the last token of each sequence stands, in the B * L tokens, in the order of groups."""
    lengths: Sequence[int]
    """Tokens of each row, without padding."""


class ReadsRows(Protocol):
    """`RoleModel.hidden`: ids, mask and positions in, final hidden states out."""

    def __call__(
        self, ids: Tensor, mask: Tensor, *, positions: Tensor | None = None
    ) -> Float[Tensor, "B L D"]: ...


def shared_rows(groups: Sequence[IdGroup], pad_id: int, device: Device) -> TokenRows:
    """Return each group as one row: what its sequences begin with once, then what follows it.

    Padding is seen by itself alone.
    """
    rows = [_row(group) for group in groups]
    width = max(len(row) for row in rows)
    padded = torch.tensor(
        [row + [(pad_id, 0, -1)] * (width - len(row)) for row in rows],
        dtype=torch.long,
        device=device,
    )
    ids, positions, branch = padded.unbind(dim=2)
    place = torch.arange(width, device=device)
    same = branch[:, :, None] == branch[:, None, :]
    in_query = (branch == 0)[:, None, :]
    earlier = place[:, None] >= place[None, :]
    itself = place[:, None] == place[None, :]
    is_token = (branch >= 0)[:, :, None]
    sees = (is_token & earlier & (same | in_query)) | itself
    ends = [row * width + last for row, group in enumerate(groups) for last in _ends_in_row(group)]
    last = torch.tensor(ends, dtype=torch.long, device=device)
    return TokenRows(ids, sees[:, None], positions, last, [len(row) for row in rows])


def rows_apart(groups: Sequence[IdGroup], pad_id: int, device: Device) -> TokenRows:
    """Return each sequence as a row of its own."""
    flat = [sequence for group in groups for sequence in group]
    ids, mask = pad_right(flat, pad_id, device)
    first = torch.arange(len(flat), device=device) * ids.shape[1]
    return TokenRows(ids, mask, None, first + mask.sum(dim=1) - 1, [len(row) for row in flat])


def grouped(sequences: IdGroup) -> list[list[int]]:
    """Return the places of sequences in groups that begin alike, each place once.

    A sequence joins one that it follows in their order if that spares a quarter of its tokens.

    >>> grouped([(1, 2, 3, 4), (9, 9), (1, 2, 5), (7, 7, 7)])
    [[0, 2], [3], [1]]
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(sequences)), key=lambda i: tuple(sequences[i])):
        if groups and _gains([sequences[j] for j in groups[-1]], sequences[i]):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def row_length(group: IdGroup) -> int:
    """Return the tokens of a group as one row."""
    return sum(map(len, group)) - (len(group) - 1) * _n_shared(group)


def _gains(group: IdGroup, sequence: Sequence[int]) -> bool:
    """Whether the next sequence, in the order of ids, is worth a place in a row."""
    together = row_length([*group, sequence])
    spared = row_length(group) + len(sequence) - together
    return spared >= len(sequence) / 4 and together <= MOST_TOKENS


def _row(group: IdGroup) -> list[tuple[int, int, int]]:
    """Return (id, position, part) of every token of a row; part 0 is the query, then 1, 2, ..."""
    n_query = _n_shared(group)
    row = [(token, place, 0) for place, token in enumerate(group[0][:n_query])]
    for part, sequence in enumerate(group, start=1):
        row += [(token, n_query + i, part) for i, token in enumerate(sequence[n_query:])]
    return row


def _ends_in_row(group: IdGroup) -> list[int]:
    n_query = last = _n_shared(group)
    ends = []
    for sequence in group:
        last += len(sequence) - n_query
        ends.append(last - 1)
    return ends


def _n_shared(group: IdGroup) -> int:
    """Return how many tokens all begin with; the last token of each is its own."""
    most = min(map(len, group)) - 1
    return next((i for i in range(most) if len({s[i] for s in group}) > 1), most)


@torch.no_grad()
def can_share_queries(causal: PreTrainedModel, run: ReadsRows, runtime: Runtime) -> bool:
    """Whether the model gives the hidden states of rows apart where sequences share a row.

    Not a model that looks back a limited way (which it measures in the row), whose positions hang
    on the length of a text, that finds positions in the mask, or carries a state from token to
    token.
    """
    if _hangs_on_length(causal):
        return False
    rows = shared_rows([TRIAL], 0, runtime.device)
    try:
        found = run(rows.ids, rows.mask, positions=rows.positions).flatten(0, 1)[rows.ends]
        apart = [_last_alone(run, rows.ids.new_tensor([s])) for s in TRIAL]
    except torch.OutOfMemoryError:
        raise
    except FORWARD_ERRORS:
        return False
    tolerance = AGREES_TO
    if runtime.is_rounded:
        tolerance = ROUNDING * torch.finfo(runtime.products or runtime.dtype).eps
    return is_close(found, torch.stack(apart), tolerance)


def _hangs_on_length(causal: PreTrainedModel) -> bool:
    """Whether the configuration names a window, or positions that change with the longest text.

    A trial of a few tokens would lie inside either.
    """
    config = causal.config.get_text_config().to_dict()
    kinds = set(config.get("layer_types") or ()) - {"full_attention"}
    sizes = [
        n
        for key, n in config.items()
        if ("window" in key or "chunk" in key) and key != "max_window_layers"
    ]
    has_window = any(isinstance(n, int) and n > 0 for n in sizes)
    scaled = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return bool(kinds) or has_window or scaled.get("rope_type") in LENGTH_ROPES


def _last_alone(run: ReadsRows, ids: Int[Tensor, "1 L"]) -> Float[Tensor, " D"]:
    return run(ids, torch.ones_like(ids, dtype=torch.bool))[0, -1]
