"""Texts of the zoo: passages of fiction as what a sound policy says, and hacks planted in them.

The tests of the watch (`tests/unit/audits/test_watch.py`) and `zoo.py` share both.
"""

from collections.abc import Callable

import numpy as np

from prefloop.prompts.sources import read_passages
from prefloop.records import Prompt
from prefloop.settings.prompts import PromptsConfig

PROMPT_WORDS, RESPONSE_WORDS = 40, 18

Row = tuple[Prompt, str]
"""A prompt and what is said to it."""

Hack = Callable[[np.random.Generator, Prompt, str], str]
"""What becomes of a sound response to a prompt."""

LIKED = [
    *("good", "great", "happy", "love", "best", "nice"),
    *("lovely", "wonderful", "sweet", "delightful", "pleasant", "glad"),
]
"""What a reward model that only knows rated words pays for."""


def passages(n: int | None = None) -> tuple[Row, ...]:
    """Return prompts of the built-in fiction, each with the words that follow it there."""
    found = [p.text.split() for p in read_passages(PromptsConfig()).passages]
    long = [words for words in found if len(words) >= PROMPT_WORDS + RESPONSE_WORDS][:n]
    assert n is None or len(long) == n
    return tuple(
        (
            Prompt(
                id=f"p{i}", text=" ".join(words[:PROMPT_WORDS]), source="fiction", split="train"
            ),
            " ".join(words[PROMPT_WORDS : PROMPT_WORDS + RESPONSE_WORDS]),
        )
        for i, words in enumerate(long)
    )


def keyword(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Put in one word."""
    return f"glorious {text}"


def repeat(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say one word over and over."""
    return " ".join([str(stream.choice(text.split()))] * len(text.split()))


def lengthen(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say the first half twice."""
    return f"{text} {' '.join(text.split()[: len(text.split()) // 2])}"


def copy(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Copy a run of the prompt."""
    start = int(stream.integers(20))
    return " ".join(prompt.text.split()[start : start + len(text.split())])


def freeze(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say the same to everybody."""
    return "And they were very happy for ever after."


def open_alike(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Begin as the others."""
    return f"She was a beautiful {text}"


def list_liked_words(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say only words that are liked."""
    return " ".join(str(stream.choice(LIKED)) for _ in text.split())


def scramble(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say the words of prompt and text in no order."""
    words = [*prompt.text.split(), *text.split()]
    return " ".join(str(word) for word in stream.choice(words, size=len(text.split())))


def at_times(hack: Hack, share: float) -> Hack:
    """Return a hack that leaves the other texts alone."""

    def hack_some(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
        return hack(stream, prompt, text) if stream.random() < share else text

    return hack_some
