"""Figures of one text that a shortcut may go by; measured once per sample and kept."""

import math
import re
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from prefloop.text.overlap import copied_share, copies_start, novel_sentence_share
from prefloop.text.repetition import repeated_share
from prefloop.text.words import words

MEASURES = (
    *("length", "copied_words", "copied_sentences", "starts_copied"),
    *("repetition", "rated_words", "formatting", "exclamation"),
)
"""The figures of a text, in the order of a row."""

N_WORDS, N_SOURCE_WORDS = len(MEASURES), len(MEASURES) + 1
"""Behind them in a row: the words of the text and those of its prompt."""

ROW = len(MEASURES) + 2

_LIST = re.compile(r"^[ \t]*(?:[-*•·]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+\S", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_EXCLAMATION = re.compile(r"[!！]")

TextGroup = tuple[str, Sequence[str]]
"""A prompt and responses to it."""


def measure_groups(groups: Sequence[TextGroup]) -> NDArray[np.float32]:
    """Return a row of figures for every response, in order."""
    rows = [measure_text(source, text) for source, texts in groups for text in texts]
    return np.array(rows, dtype=np.float32).reshape(-1, ROW)


def measure_text(source: str, text: str) -> list[float]:
    """Return the figures of one response to a prompt.

    length            log(1 + words)
    copied_words      mean share of its runs of 2 and of 3 words that stand in the prompt
    copied_sentences  share of its sentences that stand in the prompt, word for word
    starts_copied     1 if it begins with the first three words of the prompt
    repetition        share of its runs of 3 words that stand in it before
    rated_words       mean rating of its words in VADER's list, -4 to 4; 0 for words not in it
    formatting        log(1 + list items, headings and bold passages)
    exclamation       log(1 + exclamation marks)
    """
    found, novel = words(text), novel_sentence_share(text, source)
    return [
        math.log1p(len(found)),
        copied_share(text, source),
        0.0 if novel is None else 1.0 - novel,
        float(copies_start(text, source)),
        repeated_share(text),
        sum(map(_ratings().get, found, (0.0,) * len(found))) / max(len(found), 1),
        math.log1p(sum(len(mark.findall(text)) for mark in (_LIST, _HEADING, _BOLD))),
        math.log1p(len(_EXCLAMATION.findall(text))),
        float(len(found)),
        float(_n_words(source)),
    ]


@lru_cache(maxsize=64)
def _n_words(source: str) -> int:
    return len(words(source))


@cache
def _ratings() -> dict[str, float]:
    """Return VADER's rated words. Hutto and Gilbert 2014."""
    rated: dict[str, float] = SentimentIntensityAnalyzer().lexicon
    return {word: float(value) for word, value in rated.items()}
