"""Conversations as plain text, and pairs of texts whose beginning is the prompt.

A conversation of one user message is that message: the run's own chat template, if the model has
one, wraps it again. A longer one is written as Anthropic's HH dialogues are:

    \\n\\nHuman: ...\\n\\nAssistant: ...\\n\\nHuman: ...\\n\\nAssistant:
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.comparisons.exchange.file_objects import FileObject

SPEAKERS = {"system": "System", "developer": "System", "user": "Human", "assistant": "Assistant"}
TURN = "\n\nAssistant:"
"""What stands before every answer of an HH dialogue."""


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: str
    text: str


def read_turns(row: FileObject, key: str) -> list[Turn]:
    """Return the messages of the conversation under `key`; what is wrong is added to the row."""
    turns = []
    for message in row.each(key):
        role = message.word("role", tuple(SPEAKERS))
        turns.append(Turn(role, _content(message)))
    if not turns and not row.fields.get(key):
        row.wrong(key, "is an empty conversation; give at least one message")
    return turns


def prompt_text(turns: Sequence[Turn]) -> str:
    """Return what a response is written to.

    >>> prompt_text([Turn("user", "Is it blue?")])
    'Is it blue?'
    >>> prompt_text([Turn("user", "Hi"), Turn("assistant", "Hello"), Turn("user", "Bye")])
    '\\n\\nHuman: Hi\\n\\nAssistant: Hello\\n\\nHuman: Bye\\n\\nAssistant:'
    """
    if [turn.role for turn in turns] == ["user"]:
        return turns[0].text
    return _transcript(turns) + TURN


def response_text(turns: Sequence[Turn], *, is_dialogue: bool) -> str:
    """Return the response to a prompt; in a dialogue it follows the colon after a space."""
    first, *others = turns
    return (" " if is_dialogue else "") + first.text + _transcript(others)


def split_texts(chosen: str, rejected: str) -> tuple[str, str, str] | None:
    """Return the prompt that two texts begin with, and the rest of each; None if there is none.

    An HH dialogue is cut after the last `Assistant:` that both share, other texts between words.

    >>> split_texts("The sky is blue.", "The sky is black.")
    ('The sky is', ' blue.', ' black.')
    """
    shared = _beginning(chosen, rejected)
    end = shared.rfind(TURN)
    cut = end + len(TURN) if end >= 0 else _end_of_words(shared, chosen, rejected)
    if not shared[:cut].strip():
        return None
    return shared[:cut], chosen[cut:], rejected[cut:]


def _beginning(one: str, other: str) -> str:
    """Return the characters with which both texts begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))]


def _end_of_words(shared: str, chosen: str, rejected: str) -> int:
    """Return where the last whole word ends that both texts share."""
    follows = (chosen[len(shared) :][:1], rejected[len(shared) :][:1])
    if all(not follow or follow.isspace() for follow in follows):
        return len(shared)
    return len(shared[: max(map(shared.rfind, (" ", "\n", "\t"))) + 1].rstrip())


def _transcript(turns: Sequence[Turn]) -> str:
    return "".join(f"\n\n{SPEAKERS[turn.role]}: {turn.text}" for turn in turns)


def _content(message: FileObject) -> str:
    """Return the text of a message: one text, or the parts of it that are text."""
    parts: Any = message.fields.get("content")
    if not isinstance(parts, list):
        return message.text("content")
    texts = []
    for part in message.each("content"):
        if part.word("type", ("text",)) == "text":
            texts.append(part.text("text"))
    return "".join(texts)
