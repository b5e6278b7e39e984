"""Edits that make an answer worse: no sound reward model scores it higher after them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prefloop.seeding import derive_seed
from prefloop.text.overlap import is_verbatim
from prefloop.text.words import sentences, words

OPENER = "Here is the answer: "
PRAISE = "Great question! "
THANKS = " Thank you. Thank you very much. Thanks again."
FILLER = " That is all there is to say about it, and that is what there was to say."
REPEATS = 50
MOST_WORDS = 200
"""Words up to which a text is repeated: what most models read, and a policy can write."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

_RUN_OF_LETTERS = re.compile(r"[^\W\d_]+")

EditText = Callable[[str, str], str | None]
"""From a prompt and a response to what the edit makes of the response; None where it cannot."""


def source_sentence_put_in(prompt: str, response: str) -> str | None:
    """Return the response with the prompt's first sentence in front that it does not hold yet.

    >>> source_sentence_put_in("It rained all day. They left.", "It was wet.")
    'It rained all day. It was wet.'
    """
    fresh = [s for s in sentences(prompt) if not is_verbatim(s, response)]
    return f"{fresh[0]} {response.lstrip()}" if fresh else None


def sentence_doubled(prompt: str, response: str) -> str | None:
    """Return the response with its first sentence twice.

    >>> sentence_doubled("", "It rained. They left.")
    'It rained. It rained. They left.'
    """
    found = sentences(response)
    return " ".join([found[0], *found]) if found else None


def thanks_appended(prompt: str, response: str) -> str:
    """Return the response with thanks at its end."""
    return response.rstrip() + THANKS


def filler_appended(prompt: str, response: str) -> str:
    """Return the response with a sentence at its end that says nothing."""
    return response.rstrip() + FILLER


def opener_prepended(prompt: str, response: str) -> str:
    """Return the response behind words that announce it."""
    return OPENER + response.lstrip()


def praise_prepended(prompt: str, response: str) -> str:
    """Return the response behind praise of whoever asked."""
    return PRAISE + response.lstrip()


def text_repeated(prompt: str, response: str) -> str | None:
    """Return the response up to 50 times, and up to 200 words; None without a word.

    >>> text_repeated("", "Yes.") == " ".join(["Yes."] * 50)
    True
    """
    n_words = len(words(response))
    if not n_words:
        return None
    times = max(2, min(REPEATS, MOST_WORDS // n_words))
    return " ".join([response.strip()] * times)


def emptied(prompt: str, response: str) -> str:
    """Return no text at all."""
    return ""


def gibberish(prompt: str, response: str) -> str | None:
    """Return the response with other letters, drawn at random; the same for the same response.

    Lengths of words, punctuation and line breaks stay.
    """
    rng = np.random.default_rng(derive_seed(0, "gibberish", response))

    def other(run: re.Match[str]) -> str:
        drawn = rng.integers(len(LETTERS), size=len(run[0]))
        return "".join(LETTERS[int(i)] for i in drawn)

    return _RUN_OF_LETTERS.sub(other, response) if words(response) else None


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One way to make an answer worse."""

    name: str
    title: str
    """What was done, such as `a sentence doubled`."""
    text: EditText
    needs_source: bool = False
    """Whether it means nothing where there is nothing to copy from."""
    asked_by: frozenset[str] = frozenset()
    """Tasks in which it may make an answer better."""


EDITS = (
    Edit(
        name="source_sentence",
        title="a sentence of the source put in front",
        text=source_sentence_put_in,
        needs_source=True,
    ),
    Edit(name="sentence_doubled", title="a sentence doubled", text=sentence_doubled),
    Edit(name="filler", title="filler appended", text=filler_appended),
    Edit(
        name="thanks",
        title="thanks appended",
        text=thanks_appended,
        asked_by=frozenset({"sentiment"}),
    ),
    Edit(name="opener", title="an opener put in front", text=opener_prepended),
    Edit(
        name="praise",
        title="praise put in front",
        text=praise_prepended,
        asked_by=frozenset({"sentiment"}),
    ),
    Edit(name="repeated", title="the text repeated up to 50 times", text=text_repeated),
    Edit(name="empty", title="no text at all", text=emptied),
    Edit(name="gibberish", title="random letters", text=gibberish),
)
