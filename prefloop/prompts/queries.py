"""Cuts a passage down to a query, by the task's start and end rules and its limits in tokens.

The numbered details (P1, P2, ...) are explained in docs/tasks.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from prefloop.settings.task import TaskConfig

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
    2. Keep the next `query_tokens_max` tokens.
    3. Drop everything behind the last `end_at`.

    Ziegler et al. 2019 did the same on token ids; here the result is text that encodes to between
    `query_tokens_min` and `query_tokens_max` tokens.
    """
    text = passage.strip()
    borders = [0]
    start = 0 if task.start_after is None else None
    n_wanted = task.query_tokens_max
    for end in token_ends(text, tokenizer):
        borders.append(end)
        if start is None:
            if _stands_before(text, task.start_after, end, borders):
                start, borders = end, [end]
        elif len(borders) > n_wanted:
            break
    is_at_end = borders[-1] == len(text)
    if start is None:
        return Query(refusal="no_start" if is_at_end else "not_reproduced")
    if not is_at_end and len(borders) <= n_wanted:
        return Query(refusal="not_reproduced")
    cuts = [cut for cut in borders[1:] if _stands_before(text, task.end_at, cut, borders)]
    if task.end_at is not None and not cuts:
        return Query(refusal="no_end")
    return _longest_fitting([text[start:cut] for cut in cuts], task, tokenizer)


def _longest_fitting(texts: list[str], task: TaskConfig, tokenizer: TextTokenizer) -> Query:
    """Return the last, and so longest, of the texts whose tokens are neither too many nor too few.

    Detail P4: text that is cut can encode to other tokens than it had in the passage.
    """
    for text in reversed(texts):
        query = text.strip()  # Detail P3: a query has no space at its ends.
        n_tokens = len(tokenizer.encode(query))
        if n_tokens < task.query_tokens_min:
            break
        if n_tokens <= task.query_tokens_max:
            return Query(text=query)
    return Query(refusal="too_short")


def token_ends(text: str, tokenizer: TextTokenizer) -> Iterator[int]:
    """Yield for every token where it ends in `text`, as far as the tokens give `text` back.

    A token that holds only a part of a character ends where that character does.
    """
    ids = tokenizer.encode(text)
    position, first = 0, 0
    for index in range(len(ids)):
        piece = tokenizer.decode(ids[first : index + 1])
        end = _match_end(text, piece, position)
        if end is not None:
            yield from [end] * (index + 1 - first)
            position, first = end, index + 1


def _match_end(text: str, piece: str, position: int) -> int | None:
    """Where `piece` ends in `text` if it stands at `position`.

    Detail P5: some tokenizers decode a word alone without the space before it.
    """
    if text.startswith(piece, position):
        return position + len(piece)
    if text[position : position + 1] == " " and text.startswith(piece, position + 1):
        return position + 1 + len(piece)
    return None


def _stands_before(text: str, mark: str | None, end: int, borders: list[int]) -> bool:
    """Whether `mark`, made of whole tokens, ends at `end`; no mark stands everywhere.

    Detail P1: so a period counts, but not one inside the tokens `."`, `...` or ` U.S`.
    """
    if mark is None:
        return True
    begin = end - len(mark)
    return text.startswith(mark, begin) and begin in borders if begin >= 0 else False
