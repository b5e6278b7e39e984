"""Concreteness: things one can point at against abstractions; the held-out judge of description.

    score(y) = 20 * (things - abstractions) / words(y)

Things are nouns from a list: bodies, rooms, tools, plants, animals, weather (plural `s` allowed).
Abstractions are words with the endings of abstract nouns (-tion, -ness, -ity, ...) and verbs of
thinking and judging. It counts no adjective at all: its list and that of `descriptiveness.py` are
disjoint, so padding with the labelers' adjectives lowers this score. A toy as well.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores
from prefloop.text.words import words

_LISTS = Path(__file__).with_name("word_lists")

SCALE = 20.0
"""Score of a response of which every word is a thing."""

_FILES = (_LISTS / "things.txt", _LISTS / "thoughts.txt")
THINGS = frozenset(_FILES[0].read_text("utf-8").split())

_ABSTRACT_NOUN = re.compile(r"\w{3,}(?:tion|sion|ness|ity|ment|ism|ance|ence|ship|hood)s?$")
THOUGHTS = frozenset(_FILES[1].read_text("utf-8").split())
_NO_ABSTRACTIONS = frozenset(["apartment", "basement", "city", "pavement", "station"])


class ImageryScorer:
    """Prefers things that can be pointed at to abstractions."""

    name: ClassVar[str] = "imagery"
    sources: ClassVar[frozenset[str]] = frozenset({"concrete nouns"})
    description: ClassVar[str] = "a list of concrete nouns"
    content_hash: ClassVar[str] = files_hash(_FILES)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the scaled surplus of things over abstractions, -20 to 20."""
        return SCALE * np.array([_concreteness(text) for text in responses], dtype=np.float64)


def _concreteness(text: str) -> float:
    tokens = words(text)
    return sum(map(_kind, tokens)) / max(1, len(tokens))


def _kind(word: str) -> int:
    singular = word.removesuffix("s")
    if word in THINGS or singular in THINGS:
        return 1
    if singular in _NO_ABSTRACTIONS:
        return 0
    return -1 if word in THOUGHTS or _ABSTRACT_NOUN.match(word) else 0
