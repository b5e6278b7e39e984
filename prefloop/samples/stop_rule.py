"""When a response ends: with the token that completes the stop at or after the earliest index."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from prefloop.errors import InputError
from prefloop.functional.truncation import stop_index, truncation_mask
from prefloop.models.generation import ENDED
from prefloop.models.loading import Tokenizer
from prefloop.models.runtime import Device, to_numpy
from prefloop.models.token_bytes import token_bytes
from prefloop.samples.stop_automaton import (
    Transitions,
    shortest_spelling,
    stop_transitions,
    token_transitions,
)
from prefloop.settings.task import END_OF_TEXT, TaskConfig


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
    ) -> None:
        self.task = task
        self.earliest = task.stop_min
        self.end_ids = tokenizer.end_ids if task.stop == END_OF_TEXT else ()
        """Tokens that end a response by their ids; they must not be banned."""
        self._tokenizer = tokenizer
        self._device = device
        self._table = self._automaton(vocabulary)
        table = np.zeros((1, vocabulary), dtype=np.int32) if self._table is None else self._table
        self._transitions = torch.as_tensor(table, device=device).long()

    def _automaton(self, vocabulary: int) -> Transitions | None:
        """Return what finds the stop in tokens; None if there is no stop."""
        stop = self.task.stop
        if stop is None:
            return None
        if stop == END_OF_TEXT:
            return token_transitions(self.end_ids, vocabulary)
        own = self._tokenizer.own_token(stop) if self.task.stop_match == "token" else None
        if own is not None:
            return token_transitions([own], vocabulary)
        added = token_bytes(self._tokenizer, vocabulary)
        return stop_transitions(stop.encode(errors="surrogatepass"), added)

    def check(self, banned: Bool[Tensor, " V"]) -> None:
        """Raise an InputError if no response can ever end, and say why."""
        stop, room = self.task.stop, self.task.response_tokens - self.earliest
        if self._table is None or stop is None:
            return
        if self._tokenizer.hf_tokenizer.get_vocab().get(stop) in self._tokenizer.special_ids:
            raise InputError(_is_special(stop, self._tokenizer))
        needed = shortest_spelling(self._table, ~to_numpy(banned))
        if needed is None:
            raise InputError(_never_ends(stop))
        if needed > room:
            raise InputError(
                f"task.stop {stop!r} takes {needed} tokens of this model at least, and from "
                f"task.stop_min {self.earliest} on a response of {self.task.response_tokens} has "
                f"room for {room}. Lower task.stop_min or raise task.response_tokens."
            )

    def advance(
        self, state: Int[Tensor, " B"], tokens: Int[Tensor, " B"], index: int
    ) -> Int[Tensor, " B"]:
        """Return how far responses are in the stop, after tokens at this index of theirs.

        0 is where they begin, and ENDED where the stop is complete.
        """
        if index < self.earliest:
            return state
        last = self._transitions.shape[1] - 1
        is_known = (tokens >= 0) & (tokens <= last)
        return torch.where(
            is_known, self._transitions[state.clamp(min=0), tokens.clamp(0, last)], state
        )

    def apply(self, response: Int[Tensor, "B T"]) -> StopMask:
        """Return the mask of tokens that count and whether each response has ended."""
        if self._table is None:
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


CHOICES = f"Choose a text that the model can write, such as '.', {END_OF_TEXT}, or null."


def _is_special(stop: str, tokenizer: Tokenizer) -> str:
    """Say that this stop is the name of a token, and what to write instead."""
    is_end = tokenizer.hf_tokenizer.get_vocab()[stop] in tokenizer.end_ids
    instead = f"Set task.stop to {END_OF_TEXT}: that is this token." if is_end else CHOICES
    return (
        f"task.stop {stop!r} is a special token of this model, not a text that it writes. {instead}"
    )


def _never_ends(stop: str) -> str:
    """Say why no response can hold this stop, and what to do."""
    if stop == END_OF_TEXT:
        return (
            f"task.stop is {END_OF_TEXT}, and this model's tokenizer names no end-of-text token "
            "(eos_token). Choose a text such as '.', or null."
        )
    return (
        f"task.stop {stop!r} can never be written by this model: none of its tokens that may be "
        f"sampled spell it. {CHOICES}"
    )
