"""How much of a response also occurs in its source."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from statistics import fmean, harmonic_mean
from typing import NamedTuple

from prefloop.text.words import ngrams, sentences, words

RUN_WORDS = 3
"""Words that make a shared run a copied one."""
MINT_WORDS = 4
"""Runs of up to so many words count in MINT."""
SOURCES_KEPT = 64
"""Sources whose words are kept: several responses to one prompt are measured one after another."""


def novel_ngram_share(response: str, source: str, n: int) -> float | None:
    """Return the share of the response's n-grams that do not occur in the source.

    None if the response has fewer than `n` words. See, Liu, Manning 2017, arXiv:1704.04368, fig. 6.
    """
    grams = ngrams(words(response), n)
    if not grams:
        return None
    known = _gram_set(source, n)
    return sum(gram not in known for gram in grams) / len(grams)


def copied_share(response: str, source: str) -> float:
    """Return the mean share of the response's 2- and 3-grams that occur in the source, 0 to 1.

    A response that is too short for n-grams has copied none of them.
    """
    novel = [novel_ngram_share(response, source, n) for n in (2, 3)]
    return sum(1.0 - share for share in novel if share is not None) / len(novel)


def is_verbatim(sentence: str, source: str) -> bool:
    """Return whether the sentence is one run of words of the source.

    Case, punctuation and line breaks do not count; what holds no word is no copy.
    """
    run = " ".join(words(sentence))
    return bool(run) and f" {run} " in _haystack(source)


def novel_sentence_share(response: str, source: str) -> float | None:
    """Return the share of the response's sentences that are not one run of words of the source.

    Case, punctuation and line breaks do not count. None if there is no sentence.
    Ziegler et al. 2019, arXiv:1909.08593, table 4.
    """
    parts = sentences(response)
    if not parts:
        return None
    return sum(not is_verbatim(part, source) for part in parts) / len(parts)


def fragments(response: Sequence[str], source: Sequence[str]) -> list[int]:
    """Return the lengths of the shared runs of tokens, found greedily from left to right.

    At each position of the response the longest run that also occurs in the source is taken.
    Grusky, Naaman, Artzi 2018, arXiv:1804.11283, fig. 3.
    """
    return [run.length for run in _shared_runs(response, source)]


class _SharedRun(NamedTuple):
    """Tokens that stand in the same order in the source."""

    length: int
    start: int
    """The token of the source with which it begins, from 0: of several places the first."""


def _shared_runs(response: Sequence[str], source: Sequence[str]) -> list[_SharedRun]:
    starts: dict[str, list[int]] = {}
    for position, token in enumerate(source):
        starts.setdefault(token, []).append(position)
    found, i = [], 0
    while i < len(response):
        runs = [_SharedRun(_run(response, i, source, j), j) for j in starts.get(response[i], ())]
        longest = max(runs, key=lambda run: run.length, default=None)
        if longest:
            found.append(longest)
        i += longest.length if longest else 1
    return found


def _run(a: Sequence[str], i: int, b: Sequence[str], j: int) -> int:
    length = 0
    while i + length < len(a) and j + length < len(b) and a[i + length] == b[j + length]:
        length += 1
    return length


def coverage(response: str, source: str) -> float | None:
    """Return the share of the response's words that lie in shared runs: sum |f| / |S|.

    Grusky et al. 2018, eq. 1. None if the response has no word.
    """
    tokens = words(response)
    return sum(fragments(tokens, words(source))) / len(tokens) if tokens else None


def density(response: str, source: str) -> float | None:
    """Return the mean length of the shared run that a word lies in: sum |f|^2 / |S|.

    Grusky et al. 2018, eq. 2. None if the response has no word.
    """
    tokens = words(response)
    if not tokens:
        return None
    return sum(length**2 for length in fragments(tokens, words(source))) / len(tokens)


def copied_place(response: str, source: str) -> float | None:
    """Return where in the source the words in copied runs stand on average, 0 to 1.

    0 is the source's first word, 1 its last; who copies from everywhere alike has one half. Runs
    are those of `fragments`, of RUN_WORDS words and more: shorter ones stand in any text. None
    without such a run.

    >>> copied_place("Indeed, the dog slept.", "It was cold and the dog slept soundly.")
    0.7142857142857143
    """
    known = _source_words(source)
    runs = [run for run in _shared_runs(words(response), known) if run.length >= RUN_WORDS]
    places = [run.start + i for run in runs for i in range(run.length)]
    return fmean(places) / (len(known) - 1) if places else None


def longest_common_run(response: str, source: str) -> int:
    """Return the length, in words, of the longest run that response and source share."""
    a, b = words(response), words(source)
    # autojunk would ignore the frequent words of sources of 200 words and more.
    return SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many tokens both share in the same order, whatever stands between them."""
    row = [0] * (len(b) + 1)
    for token in a:
        diagonal = 0
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if token == other else max(row[j], row[j - 1])
    return row[-1]


def lexical_independence(response: str, source: str) -> float | None:
    """Return MINT, how far the response's words are its own: 0 for a copy, 1 if no word is shared.

        MINT = 1 - harmonic mean(p_1, ..., p_4, LCS / |response|)

    p_n is the share of n-grams that also occur in the source, its count smoothed so that a text
    without a shared 4-gram is still told from one without a shared pair: m_0 = m_1 + 1, then
    m_n <- (m_(n-1) + m_n + m_(n+1)) / 3 in turn (Chen, Cherry 2014, method 5). LCS: longest common
    subsequence. None below four words, where there is no 4-gram.
    Dreyer et al. 2021, arXiv:2108.02859, section 2.
    """
    tokens, known = words(response), _source_words(source)
    if len(tokens) < MINT_WORDS:
        return None
    subsequence = longest_common_subsequence(tokens, known)
    if not subsequence:
        return 1.0
    shared = [
        sum(gram in _gram_set(source, n) for gram in ngrams(tokens, n))
        for n in range(1, MINT_WORDS + 2)
    ]
    precisions, before = [], shared[0] + 1.0
    for i in range(MINT_WORDS):
        before = (before + shared[i] + shared[i + 1]) / 3
        precisions.append(before / (len(tokens) - i))
    return 1.0 - harmonic_mean([*precisions, subsequence / len(tokens)])


def copies_start(response: str, source: str, n: int = 3) -> bool:
    """Return whether the first `n` words of the response are the first `n` of the source."""
    first = words(response)[:n]
    return len(first) == n and first == list(_source_words(source)[:n])


@lru_cache(maxsize=SOURCES_KEPT)
def _source_words(source: str) -> tuple[str, ...]:
    return tuple(words(source))


@lru_cache(maxsize=SOURCES_KEPT)
def _haystack(source: str) -> str:
    return f" {' '.join(_source_words(source))} "


@lru_cache(maxsize=SOURCES_KEPT)
def _gram_set(source: str, n: int) -> frozenset[tuple[str, ...]]:
    return frozenset(ngrams(_source_words(source), n))
