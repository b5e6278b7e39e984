"""Whether a response can end at all: known before anything is drawn."""

from collections.abc import Set

import numpy as np

from prefloop.errors import InputError
from prefloop.models.loading import Tokenizer
from prefloop.models.query_encoder import QueryEncoder
from prefloop.models.token_bytes import token_bytes
from prefloop.samples.stop_automaton import (
    Transitions,
    shortest_spelling,
    stop_transitions,
    token_transitions,
)
from prefloop.settings.samples import StopMatch
from prefloop.settings.task import END_OF_TEXT, TaskConfig

CHOICES = f"Choose a text that the model can write, such as '.', {END_OF_TEXT}, or null."


def end_ids(task: TaskConfig, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return the tokens that end a response by their ids; they must not be banned."""
    return QueryEncoder(tokenizer, task).end_ids


def stop_token(task: TaskConfig, tokenizer: Tokenizer, *, match: StopMatch) -> int | None:
    """Return the one token that is the task's stop; None where the stop is looked for as a text."""
    is_token = match == "token" and task.stop is not None and task.stop != END_OF_TEXT
    return tokenizer.own_token(task.stop or "") if is_token else None


def stop_automaton(
    task: TaskConfig, tokenizer: Tokenizer, vocabulary: int, *, match: StopMatch
) -> Transitions | None:
    """Return what finds the task's stop in tokens; None if it has no stop."""
    if task.stop is None:
        return None
    if task.stop == END_OF_TEXT:
        return token_transitions(end_ids(task, tokenizer), vocabulary)
    own = stop_token(task, tokenizer, match=match)
    if own is not None:
        return token_transitions([own], vocabulary)
    stop = task.stop.encode(errors="surrogatepass")
    return stop_transitions(stop, token_bytes(tokenizer, vocabulary))


def require_reachable_stop(
    task: TaskConfig, tokenizer: Tokenizer, automaton: Transitions | None, banned: Set[int]
) -> None:
    """Raise an InputError if no response can ever end, and say why."""
    if automaton is None or task.stop is None:
        return
    if tokenizer.hf_tokenizer.get_vocab().get(task.stop) in tokenizer.special_ids:
        raise InputError(_is_special(task.stop, tokenizer))
    is_allowed = np.ones(automaton.shape[1], dtype=np.bool_)
    is_allowed[list(banned)] = False
    needed, room = shortest_spelling(automaton, is_allowed), task.response_tokens - task.stop_min
    if needed is None:
        raise InputError(_never_ends(task.stop))
    if needed > room:
        raise InputError(
            f"task.stop {task.stop!r} takes {needed} tokens of this model at least, and from "
            f"task.stop_min {task.stop_min} on a response of {task.response_tokens} has room for "
            f"{room}. Lower task.stop_min or raise task.response_tokens."
        )


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
