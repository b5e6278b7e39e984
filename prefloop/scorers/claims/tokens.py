"""A text as sentences of tokens: what each is, its stem, and the clause that it stands in."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS
from prefloop.text.words import sentences

Kind = Literal["name", "number", "content", "function", "negator", "mark"]

_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|n't\b|[^\W\d_]+?(?=n't\b)|[^\W_]+(?:['’][^\W_]+)*|[,;:()\"“”—–]|--?"
)
_POSSESSIVE = re.compile(r"['’]s?$")
_NUMBER = re.compile(r"\d")

GRAMMAR_FILE = Path(__file__).parents[1] / "word_lists" / "grammar.json"
_GRAMMAR = json.loads(GRAMMAR_FILE.read_text("utf-8"))


def word_list(name: str) -> frozenset[str]:
    """Return a list of `grammar.json`, in which words stand with spaces between them."""
    return frozenset(_GRAMMAR[name].split())


NUMBER_WORDS = {
    word: str(step * (first + number))
    for name, first, step in (("numbers", 0, 1), ("tens", 3, 10))
    for number, word in enumerate(_GRAMMAR[name].split())
}
"""Numbers written out."""

NEGATORS = word_list("negators")
"""Words that turn what follows them into its opposite."""

BOUNDARIES = word_list("clause_starts")
"""Words that begin another clause."""

REPORTING = word_list("reporting")
"""Forms of `say`: they say who said something, and nothing of what."""

_FUNCTION = FUNCTION_WORDS | word_list("function_words") | REPORTING
_DATES = word_list("dates")

_IRREGULAR = {form: base for base, forms in _GRAMMAR["irregular"].items() for form in forms.split()}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark with its place."""

    text: str
    stem: str
    kind: Kind
    place: int
    """Index in its sentence."""
    clause: int

    @property
    def is_content(self) -> bool:
        """Whether it says something that a source can bear out."""
        return self.kind in ("name", "number", "content")


Sentence = tuple[Token, ...]


def parse(text: str, source: str | None = None) -> list[Sentence]:
    """Return the sentences of a text; those of a claim know the names of its source."""
    own = [_TOKEN.findall(part) for part in sentences(text)]
    other = [_TOKEN.findall(part) for part in sentences(source)] if source is not None else own
    names = _names([*own, *other], other)
    return [tuple(_tokens(words, names)) for words in own]


def _names(raw: Sequence[Sequence[str]], source: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the words that are names, in lower case.

    They have a capital where no sentence begins, or begin a sentence of the source and stand
    nowhere without a capital.
    """
    within = {
        word.lower()
        for words in raw
        for before, word in pairwise(words)
        if word[0].isupper() and before not in '"“'
    }
    without = {word for words in raw for word in words if word[0].islower()}
    first = {words[0].lower() for words in source if words and words[0][0].isupper()}
    return frozenset(within | (first - without))


def _tokens(words: Sequence[str], names: frozenset[str]) -> Iterable[Token]:
    clause = 0
    for place, word in enumerate(words):
        lower = word.lower()
        kind = _kind(word, lower, place, names)
        is_new = lower in BOUNDARIES or (kind == "mark" and word != "-")
        clause += is_new
        yield Token(word, stem(lower), kind, place, clause)


def _kind(word: str, lower: str, place: int, names: frozenset[str]) -> Kind:
    if not word[0].isalnum():
        return "mark"
    if _NUMBER.match(word) or (lower in NUMBER_WORDS and lower not in _FUNCTION):
        return "number"
    if lower in NEGATORS:
        return "negator"
    if lower in _FUNCTION or lower in BOUNDARIES:
        return "function"
    is_name = word[0].isupper() and (place > 0 or lower in names) and lower not in _DATES
    return "name" if is_name else "content"


_LEAST = {"s": 3, "ies": 3, "ing": 3, "ed": 3}
"""Letters that must be left before an ending; 4 before others."""


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word in lower case without its endings; number words as digits.

    >>> [stem(w) for w in ("elections", "elected", "stopping", "won", "countries", "1,500")]
    ['elect', 'elect', 'stop', 'win', 'countri', '1500']
    """
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word]
    if _NUMBER.match(word):
        return word.replace(",", "").rstrip(".")
    word = _POSSESSIVE.sub("", word)
    if word in _IRREGULAR:
        return stem(_IRREGULAR[word])
    for ending in ("ions", "ion", "ings", "ing", "edly", "ed", "ies", "ers", "er", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST.get(ending, 4):
            word = word.removesuffix(ending) + ("i" if ending == "ies" else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiols":
        word = word[:-1]
    if len(word) > 3 and word.endswith("y"):
        return word[:-1] + "i"
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
