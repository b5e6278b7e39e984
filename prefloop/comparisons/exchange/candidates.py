"""The texts that an annotation tool showed side by side, found among the fields of its task."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROMPTS = ("prompt", "instruction", "question", "query", "input", "context", "post", "article")
"""Names of the field that says what was asked, the likeliest first."""

LISTS = ("responses", "answers", "candidates", "options", "texts", "text")
"""Names of a field that holds all candidates."""

TIES = ("tie", "both", "equal", "neither", "same", "none", "no preference")

NUMBERED = re.compile(r"(.*?)(?:[\s_-]*\d+|[\s_-][a-zA-Z]|[A-Z]|(?<![a-zA-Z])[a-z])")
"""A name that ends in a number or in a letter of its own: answer1, response_a, textB, b."""

SIDES = (("left", "a", "1"), ("right", "b", "2"))
"""What tools call the first and the second of two."""


@dataclass(frozen=True)
class Candidates:
    """A prompt and the texts to choose from, each with the name that an answer may use."""

    prompt: str
    names: tuple[str, ...]
    texts: tuple[str, ...]

    def index_of(self, answer: str) -> int | None:
        """Return which candidate an answer names; None if it names none.

        >>> pair = Candidates("Q", ("answer1", "answer2"), ("x", "y"))
        >>> [pair.index_of(answer) for answer in ("answer2", "left", "B", "Response 2", "none")]
        [1, 0, 1, 1, None]
        """
        wanted = answer.strip().casefold()
        names = [name.casefold() for name in self.names]
        if wanted in names:
            return names.index(wanted)
        last = re.split(r"[\s_-]+", wanted)[-1]
        for position, words in enumerate(SIDES):
            if last in words and len(self.texts) > position:
                return position
        if last.isdigit() and 1 <= int(last) <= len(self.texts):
            return int(last) - 1
        return None


def is_tie(answer: str) -> bool:
    """Whether an answer says that neither text is better."""
    return answer.strip().casefold() in TIES


def find_candidates(
    fields: Mapping[str, Any], *, without: Sequence[str] = (), named: Sequence[str] = ()
) -> Candidates | None:
    """Return prompt and candidates of a task's fields; None if that is ambiguous.

    `named` are the fields that hold candidates, if that is known; otherwise they are a list of
    texts, `left` and `right`, or the fields whose names differ in a last digit or letter alone.
    """
    texts = {k: v for k, v in fields.items() if isinstance(v, str) and k not in without}
    chosen = [name for name in dict.fromkeys(named) if name in texts]
    listed = next((k for k in LISTS if _is_texts(fields.get(k))), None)
    if len(chosen) >= 2:
        names, candidates = tuple(chosen), [texts[name] for name in chosen]
    elif listed is not None:
        candidates = list(fields[listed])
        names = tuple(str(number) for number in range(1, len(candidates) + 1))
    else:
        names = ("left", "right") if {"left", "right"} <= set(texts) else _alike(texts)
        candidates = [texts[name] for name in names]
    rest = [name for name in texts if name not in names]
    asked = next((name for name in PROMPTS if name in rest), rest[0] if len(rest) == 1 else None)
    if len(candidates) < 2 or asked is None:
        return None
    return Candidates(texts[asked], names, tuple(candidates))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(t, str) for t in value)


def _alike(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the largest group of names that differ in their last digit or letter alone."""
    groups: dict[str, list[str]] = {}
    for name in texts:
        stem = NUMBERED.fullmatch(name)
        if stem is not None and name.casefold() not in PROMPTS:
            groups.setdefault(stem[1], []).append(name)
    largest = max(groups.values(), key=len, default=[])
    return tuple(largest) if len(largest) > 1 else ()
