"""When a response ends: cut after the first stop token at or after the earliest index."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.functional.truncation import stop_index, truncation_mask
from prefloop.models.loading import Tokenizer
from prefloop.models.runtime import Device
from prefloop.settings.task import TaskConfig


class StopMask(NamedTuple):
    """Where responses end."""

    mask: Bool[Tensor, "B T"]
    """True up to and including the stop token; all True where there is none."""
    is_ended: Bool[Tensor, " B"]


class StopRule:
    """The task's stop rule in token ids. Without a stop token every response counts as ended."""

    def __init__(
        self,
        task: TaskConfig,
        tokenizer: Tokenizer,
        *,
        vocabulary: int,
        device: Device,
    ) -> None:
        self.earliest = task.stop_min
        self.stop_id = None if task.stop is None else tokenizer.single_token(task.stop)
        self._is_stop = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        if self.stop_id is not None:
            self._is_stop[self.stop_id] = True

    def ends_at(self, tokens: Int[Tensor, " B"], index: int) -> Bool[Tensor, " B"]:
        """Return which tokens, drawn at this index of their responses, end them."""
        return self._is_stop[tokens] & (index >= self.earliest)

    def apply(self, response: Int[Tensor, "B T"]) -> StopMask:
        """Return the mask of tokens that count and whether each response has ended."""
        if self.stop_id is None:
            whole = torch.ones_like(response, dtype=torch.bool)
            return StopMask(whole, whole.all(dim=1))
        index = stop_index(response, self._is_stop, earliest=self.earliest)
        return StopMask(truncation_mask(index, response.shape[1]), index >= 0)

    def cut(self, response_ids: Sequence[int]) -> list[int]:
        """Return the ids that labelers and reward model see: up to and including the stop token."""
        device = self._is_stop.device
        ids = torch.tensor([list(response_ids)], dtype=torch.long, device=device)
        mask = self.apply(ids).mask[0]
        return [token for token, counts in zip(response_ids, mask.tolist(), strict=True) if counts]
