"""Finding a text in a sequence of tokens, whatever tokens spell it.

The automaton of Knuth, Morris and Pratt (1977): its state is how many bytes of the text stand at
the end of what was read. A token moves it on by all of its bytes at once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prefloop.models.generation import ENDED

Transitions = NDArray[np.int32]
"""Of each state and token the next state, or ENDED where the token completes the text: S V."""


def stop_transitions(stop: bytes, tokens: Sequence[bytes]) -> Transitions:
    """Return the automaton that finds `stop` in a sequence of tokens.

    `tokens` are the bytes that each token adds; one that adds nothing changes no state.
    """
    next_state = _byte_transitions(stop)
    table = np.zeros((len(stop), len(tokens)), dtype=np.int32)
    known = frozenset(stop)
    for index, added in enumerate(tokens):
        if not added:
            table[:, index] = np.arange(len(stop))
        elif stop[0] in added or added[0] in known:  # All others lead to state 0.
            table[:, index] = [_read(next_state, state, added) for state in range(len(stop))]
    return table


def token_transitions(ends: Sequence[int], vocabulary: int) -> Transitions:
    """Return the automaton of one state that finds tokens by their ids."""
    table = np.zeros((1, vocabulary), dtype=np.int32)
    table[0, list(ends)] = ENDED
    return table


def shortest_spelling(transitions: Transitions, is_allowed: NDArray[np.bool_]) -> int | None:
    """Return how many allowed tokens it takes at least to get to the end; None if none do."""
    reached, fresh, n_tokens = {0}, {0}, 0
    while fresh:
        n_tokens += 1
        found = {int(state) for s in fresh for state in np.unique(transitions[s, is_allowed])}
        if ENDED in found:
            return n_tokens
        fresh = found - reached
        reached |= fresh
    return None


def _byte_transitions(stop: bytes) -> list[dict[int, int]]:
    """Return for each state the next state after a byte; 0 for bytes that are not listed."""
    states: list[dict[int, int]] = [{stop[0]: 1}]
    fallback = 0
    for state in range(1, len(stop)):
        states.append(states[fallback] | {stop[state]: state + 1})
        fallback = states[fallback].get(stop[state], 0)
    return states


def _read(next_state: list[dict[int, int]], state: int, added: bytes) -> int:
    for byte in added:
        state = next_state[state].get(byte, 0)
        if state == len(next_state):
            return ENDED
    return state
