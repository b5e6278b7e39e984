"""Rows of ids of different lengths as one tensor, with a mask of what counts."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.models.runtime import Device


def pad_left(
    rows: Sequence[Sequence[int]], pad_id: int, device: Device
) -> tuple[Int[Tensor, "B L"], Bool[Tensor, "B L"]]:
    """Return ids and mask (True where a token counts) of rows aligned at their right end."""
    width = max(len(row) for row in rows)
    padded = [[pad_id] * (width - len(row)) + list(row) for row in rows]
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.long, device=device)
    ids = torch.tensor(padded, dtype=torch.long, device=device)
    return ids, torch.arange(width, device=device) >= width - lengths[:, None]


def pad_right(
    rows: Sequence[Sequence[int]], pad_id: int, device: Device
) -> tuple[Int[Tensor, "B L"], Bool[Tensor, "B L"]]:
    """Return ids and mask (True where a token counts) of rows aligned at their left end."""
    width = max(len(row) for row in rows)
    padded = [list(row) + [pad_id] * (width - len(row)) for row in rows]
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.long, device=device)
    ids = torch.tensor(padded, dtype=torch.long, device=device)
    return ids, torch.arange(width, device=device) < lengths[:, None]
