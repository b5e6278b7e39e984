"""Cuts a passage down to a query, by the task's start and end rules and its limits in tokens.

The numbered details (P1, P2, ...) are explained in docs/tasks.md.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from prefloop.prompts.task import TaskConfig

Refusal = Literal["no_start", "no_end", "too_short", "not_reproduced"]

REASONS: dict[Refusal, str] = {
    "no_start": "do not contain start_after {start_after!r}",
    "no_end": "do not contain end_at {end_at!r} within {query_tokens_max} tokens",
    "too_short": "leave fewer than {query_tokens_min} tokens (query_tokens_min)",
    "not_reproduced": "come back changed from this model's tokenizer",
}
"""Why a passage gives no query; to be filled in with the task's settings."""


class TextTokenizer(Protocol):
    """Turns text into token ids and back, without special tokens."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: list[int]) -> str: ...


class CachedPieces:
    """The same tokenizer, with short decodings remembered: a prompt file asks for them often."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer
        self._pieces: dict[tuple[int, ...], str] = {}

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)

    def decode(self, ids: list[int]) -> str:
        key = tuple(ids)
        if key not in self._pieces:
            self._pieces[key] = self._tokenizer.decode(ids)
        return self._pieces[key]


@dataclass(frozen=True, kw_only=True)
class Query:
    """A passage after the task's rules: its text, or why there is none."""

    text: str = ""
    refusal: Refusal | None = None


def cut_query(passage: str, task: TaskConfig, tokenizer: TextTokenizer) -> Query:
    """Return the part of `passage` that the model is asked about.

    1. Drop everything through the first `start_after`.
    2. Keep the first `query_tokens_max` tokens.
    3. Drop everything behind the last `end_at`.

    Ziegler et al. 2019 did the same on token ids; here the result is text that encodes to between
    `query_tokens_min` and `query_tokens_max` tokens.
    """
    text = passage.strip()
    if task.start_after is not None:
        ends = token_ends(text, tokenizer)
        if ends is None:
            return Query(refusal="not_reproduced")
        starts = _occurrences(text, task.start_after, ends)
        if not starts:
            return Query(refusal="no_start")
        text = text[starts[0] :].strip()  # Detail P3: a query does not begin with a space.
    return _cut_end(text, task, tokenizer)


def _cut_end(text: str, task: TaskConfig, tokenizer: TextTokenizer) -> Query:
    """Apply the limits in tokens and the end rule to a text whose start stands."""
    if not text:
        return Query(refusal="too_short")
    ends = token_ends(text, tokenizer)
    if ends is None:
        return Query(refusal="not_reproduced")
    window = ends[: task.query_tokens_max]
    if task.end_at is not None:
        cuts = [cut for cut in _occurrences(text, task.end_at, ends) if cut <= window[-1]]
        if not cuts:
            return Query(refusal="no_end")
    else:
        cuts = window
    for cut in reversed(cuts):
        query = text[:cut].rstrip()
        # Detail P4: text that is cut can encode to other tokens than it had in the passage.
        n_tokens = len(tokenizer.encode(query))
        if n_tokens < task.query_tokens_min:
            break
        if n_tokens <= task.query_tokens_max:
            return Query(text=query)
    return Query(refusal="too_short")


def token_ends(text: str, tokenizer: TextTokenizer) -> list[int] | None:
    """Return for every token where it ends in `text`, or None if the tokens do not give it back.

    A token that holds only a part of a character ends where that character does.
    """
    ids = tokenizer.encode(text)
    ends: list[int] = []
    position, first = 0, 0
    for index in range(len(ids)):
        piece = tokenizer.decode(ids[first : index + 1])
        end = _match_end(text, piece, position)
        if end is None:
            continue
        ends.extend([end] * (index + 1 - first))
        position, first = end, index + 1
    return ends if position == len(text) and len(ends) == len(ids) else None


def _match_end(text: str, piece: str, position: int) -> int | None:
    """Where `piece` ends in `text` if it stands at `position`.

    Detail P5: some tokenizers decode a word alone without the space before it.
    """
    if text.startswith(piece, position):
        return position + len(piece)
    if text[position : position + 1] == " " and text.startswith(piece, position + 1):
        return position + 1 + len(piece)
    return None


def _occurrences(text: str, mark: str, ends: list[int]) -> list[int]:
    """Where `mark` ends in `text`, wherever it is made of whole tokens.

    Detail P1: so a period counts, but not one inside the tokens `."`, `...` or ` U.S`.
    """
    borders = {0, *ends}
    found = []
    position = text.find(mark)
    while position >= 0:
        if position in borders and position + len(mark) in borders:
            found.append(position + len(mark))
        position = text.find(mark, position + 1)
    return found
