"""A text as words, sentences and n-grams, in any language.

Words are runs of letters, digits and the marks on them, by Unicode's categories. Scripts that put
no space between words (Han, kana, Thai, Lao, Khmer, Burmese) have no words that a rule could find:
there each character, with its marks, counts as one. English texts give the same words and
sentences as ever.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

WORDS_PER_TOKEN = 0.75
"""Of English in today's vocabularies, about."""

# What is ASCII is read with the same rules, written for ASCII: that is several times as fast.
_ASCII_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ASCII_PLAIN_WORD = re.compile(r"[^\W_]+")
_ASCII_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")

_UNSPACED = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70]"
    r"&&[\p{L}\p{Nl}]]"
)
# Variation selectors and the frames of keycaps change how a character looks, not what it is.
_MARK = r"[\p{M}\u200C\u200D--[\uFE00-\uFE0F\u20D0-\u20FF]]"
_LETTERS = rf"[[\p{{L}}\p{{N}}]--{_UNSPACED}](?:[[\p{{L}}\p{{N}}]--{_UNSPACED}]|{_MARK})*"

_UNSPACED_CHARACTER = regex.compile(_UNSPACED, regex.V1)
_WORD = regex.compile(rf"{_UNSPACED}{_MARK}*|{_LETTERS}(?:['’]{_LETTERS})*", regex.V1)
_PLAIN_WORD = regex.compile(rf"{_UNSPACED}{_MARK}*|{_LETTERS}", regex.V1)

_CLOSING = r"[\"'”’)\]」』）】》〉»]*"
_ENDS_WITHOUT_SPACE = r"。！？｡।॥؟۔։።፧។៕။"
"""Marks that end a sentence whatever follows; a full stop needs a space behind it."""

_SENTENCE_END = regex.compile(
    rf"(?<=[.!?…]){_CLOSING}\s+|\n+"
    rf"|(?<=[{_ENDS_WITHOUT_SPACE}]){_CLOSING}\s*(?![{_ENDS_WITHOUT_SPACE}])"
    # Thai and Lao write no mark: a space parts sentences and clauses.
    r"|(?<=[\p{Thai}\p{Lao}])\s+(?=[\p{Thai}\p{Lao}])",
    regex.V1,
)

TEXTS_KEPT = 128
"""Texts whose words are kept: a text is measured in several ways one after another."""

WORDS_PER_CHARACTER = 228 / 357
"""Reading time of a character of a script without spaces, in English words.

English is read at 228 words a minute, Japanese at 357 characters; Chinese characters take longer.
Trauzettel-Klosinski and Dietz 2012, Invest. Ophthalmol. Vis. Sci. 53(9):5452, table 2.
"""


def words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation; `don't` is one word.

    >>> words("Don't stop, \\"she\\" said.")
    ["don't", 'stop', 'she', 'said']
    >>> words("AI 技术。")
    ['ai', '技', '术']
    """
    return list(_words(text))


@lru_cache(maxsize=TEXTS_KEPT)
def _words(text: str) -> tuple[str, ...]:
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(_WORD.findall(_lower(text)))


def plain_words(text: str) -> list[str]:
    """Return the words as ROUGE has them: punctuation within a word splits it.

    >>> plain_words("Don't stop.")
    ['don', 't', 'stop']
    """
    if text.isascii():
        return _ASCII_PLAIN_WORD.findall(text.lower())
    return list(_PLAIN_WORD.findall(_lower(text)))


def sentences(text: str) -> list[str]:
    """Return the sentences that hold at least one word.

    >>> sentences("It rained. Did it? Yes!")
    ['It rained.', 'Did it?', 'Yes!']
    """
    end = _ASCII_SENTENCE_END if text.isascii() else _SENTENCE_END
    return [part.strip() for part in end.split(text) if part and words(part)]


def reading_words(text: str) -> float:
    """Return how long a text is to a reader, in English words of the same reading time.

    >>> reading_words("Call me Ishmael."), round(reading_words("我们去公园散步"), 2)
    (3, 4.47)
    """
    found = words(text)
    n_characters = 0 if text.isascii() else sum(map(_is_unspaced, found))
    return len(found) - n_characters + (n_characters and WORDS_PER_CHARACTER * n_characters)


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return all runs of `n` tokens, in order.

    >>> ngrams(["a", "b", "c"], 2)
    [('a', 'b'), ('b', 'c')]
    """
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _is_unspaced(word: str) -> bool:
    return _UNSPACED_CHARACTER.match(word) is not None
