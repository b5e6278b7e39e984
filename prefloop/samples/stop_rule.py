"""When a response ends: with the token that completes the stop.

The stop is looked for in the tokens from the earliest index on: one that begins before it, even if
it is completed there, is not found.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.functional.truncation import stop_index, truncation_mask
from prefloop.models.generation import ENDED, next_states
from prefloop.models.loading import Tokenizer
from prefloop.models.runtime import Device
from prefloop.samples.stop_check import stop_automaton
from prefloop.settings.samples import StopMatch
from prefloop.settings.task import TaskConfig


class StopMask(NamedTuple):
    """Where responses end."""

    mask: Bool[Tensor, "B T"]
    """True up to and including the stop token; all True where there is none."""
    is_ended: Bool[Tensor, " B"]


class StopRule:
    """The task's stop rule. Without a stop every response counts as ended.

    A stop is a text, and found in the text: the stop token is the one that completes it, whatever
    else it holds. Or it is a token: end-of-text, or the one that 2019 compared with.
    """

    def __init__(
        self,
        task: TaskConfig,
        tokenizer: Tokenizer,
        *,
        vocabulary: int,
        device: Device,
        match: StopMatch = "token",
    ) -> None:
        self.earliest = task.stop_min
        self.automaton = stop_automaton(task, tokenizer, vocabulary, match=match)
        self._device = device
        self._transitions: Tensor | None = None
        if self.automaton is not None:
            self._transitions = torch.as_tensor(self.automaton, device=device).long()

    def advance(
        self, state: Int[Tensor, " B"], tokens: Int[Tensor, " B"], index: int
    ) -> Int[Tensor, " B"]:
        """Return how far responses are in the stop, after tokens at this index of theirs.

        0 is where they begin, and ENDED where the stop is complete.
        """
        if self._transitions is None or index < self.earliest:
            return state
        return next_states(self._transitions, state, tokens)

    def apply(self, response: Int[Tensor, "B T"]) -> StopMask:
        """Return the mask of tokens that count and whether each response has ended."""
        if self._transitions is None:
            whole = torch.ones_like(response, dtype=torch.bool)
            return StopMask(whole, whole.all(dim=1))
        if len(self._transitions) == 1:
            # No stop is spread over tokens: each token alone says whether it is one.
            found, is_stop = response, self._transitions[0] == ENDED
        else:
            found, is_stop = self._completed(response), self._transitions.new_tensor([0, 1]) > 0
        index = stop_index(found, is_stop, earliest=self.earliest)
        return StopMask(truncation_mask(index, response.shape[1]), index >= 0)

    def _completed(self, response: Int[Tensor, "B T"]) -> Int[Tensor, "B T"]:
        """Return 1 where a token completes a stop, else 0."""
        found = torch.zeros_like(response)
        state = response.new_zeros(len(response))
        for index, tokens in enumerate(response.unbind(dim=1)):
            state = self.advance(state, tokens, index)
            found[:, index] = state == ENDED
        return found

    def cut(self, response_ids: Sequence[int]) -> list[int]:
        """Return the ids that labelers and reward model see: up to and including the stop token."""
        ids = torch.tensor([list(response_ids)], dtype=torch.long, device=self._device)
        mask = self.apply(ids).mask[0]
        return [token for token, counts in zip(response_ids, mask.tolist(), strict=True) if counts]
