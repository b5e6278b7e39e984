"""Features of the careful labelers' own check: words in pairs, without voice or clauses.

They have nothing in common with `features.py` but the question: a labeler that checked as the
judge does would be judged by itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS
from prefloop.text.words import ngrams, sentences, words

PAIR_FEATURES = (
    "unknown_capitals",
    "unknown_digits",
    "unknown_pairs",
    "apart",
    "numbers_apart",
    "reversed",
    "odd_negations",
)
"""What each column of `pair_features` is."""

PREFIX = 5
"""Words with so many letters in common at their beginning count as one."""
SPAN = 3
"""Words so far apart in a claim make a pair."""
WINDOW = 8
"""Words so far apart in the source make one."""
MOST = 2

_CAPITAL = re.compile(r"(?<=[a-z,;] )[A-Z][\w]+")
_NO = frozenset(["no", "not", "never", "cannot", "without", "nobody", "none", "nor", "neither"])


class PairSource:
    """A source as the places of its words."""

    def __init__(self, text: str) -> None:
        self.sentences = [words(part) for part in sentences(text)]
        self.said = [set(_content(part)) for part in self.sentences]
        self.places: dict[str, list[int]] = defaultdict(list)
        place = 0
        for part in self.sentences:
            for word in part:
                self.places[_root(word)].append(place)
                place += 1
            place += WINDOW

    def gap(self, first: str, second: str) -> int | None:
        """Return the signed distance of two occurrences; None if there are none in reach.

        It is the largest: positive if `first` stands first anywhere. Sentences are further apart
        than any pair.
        """
        gaps = [b - a for a in self.places.get(first, ()) for b in self.places.get(second, ())]
        return max((gap for gap in gaps if 0 < abs(gap) <= WINDOW), default=None)


def pair_features(claim: str, source: PairSource) -> NDArray[np.float64]:
    """Return the features of one sentence, in the order of PAIR_FEATURES; all are 0 for a copy.

    One word again and again makes no pair, and is unknown unless a sentence of the source says no
    more.
    """
    found = _content(words(claim))
    known = [word for word in found if word in source.places]
    pairs = list(_pairs(known))
    gaps = [source.gap(*pair) for pair in pairs]
    near = [gap for gap in gaps if gap is not None]
    digits = [g is None for pair, g in zip(pairs, gaps, strict=True) if _has_digit(pair)]
    capitals = {_root(name.lower()) for name in _CAPITAL.findall(claim)}
    return np.array(
        [
            min(sum(name not in source.places for name in capitals), MOST),
            min(sum(w not in source.places for w in found if w[0].isdigit()), MOST),
            1.0 if _says_nothing(found, source) else max(0.0, 0.4 - len(known) / len(found)) / 0.4,
            1.0 - len(near) / len(gaps) if gaps else 0.0,
            sum(digits) / len(digits) if digits else 0.0,
            sum(gap < 0 for gap in near) / len(near) if near else 0.0,
            float(_negations(words(claim)) % 2 != _negations(_best(found, source)) % 2),
        ]
    )


def _content(found: Sequence[str]) -> list[str]:
    return [_root(word) for word in found if word not in FUNCTION_WORDS]


def _says_nothing(roots: Sequence[str], source: PairSource) -> bool:
    said = set(roots)
    return len(said) < 2 and (not said or said not in source.said)


def _root(word: str) -> str:
    return word if word[0].isdigit() else word[:PREFIX]


def _pairs(roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    for n in range(2, SPAN + 1):
        for run in ngrams(roots, n):
            if run[0] != run[-1]:
                yield run[0], run[-1]


def _has_digit(pair: tuple[str, str]) -> bool:
    return any(word[0].isdigit() for word in pair)


def _best(roots: Sequence[str], source: PairSource) -> list[str]:
    """Return the sentence of the source with most of these words; the first of equals."""
    wanted = set(roots)
    return max(source.sentences, key=lambda part: len(wanted & set(map(_root, part))), default=[])


def _negations(found: Sequence[str]) -> int:
    return sum(word in _NO or word.endswith("n't") for word in found)
