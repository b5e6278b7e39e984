"""How much of a text was there before: in its source, in itself, in its neighbors."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLAIN_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")


def words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation; `don't` is one word.

    >>> words("Don't stop, \\"she\\" said.")
    ["don't", 'stop', 'she', 'said']
    """
    return _WORD.findall(text.lower())


def sentences(text: str) -> list[str]:
    """Return the sentences that hold at least one word.

    >>> sentences("It rained. Did it? Yes!")
    ['It rained.', 'Did it?', 'Yes!']
    """
    return [part.strip() for part in _SENTENCE_END.split(text) if part and words(part)]


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return all runs of `n` tokens, in order.

    >>> ngrams(["a", "b", "c"], 2)
    [('a', 'b'), ('b', 'c')]
    """
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def novel_ngram_share(response: str, source: str, n: int) -> float | None:
    """Return the share of the response's n-grams that the source does not hold.

    None if the response has fewer than `n` words. See, Liu, Manning 2017, arXiv:1704.04368, fig. 6.
    """
    grams = ngrams(words(response), n)
    if not grams:
        return None
    known = set(ngrams(words(source), n))
    return sum(gram not in known for gram in grams) / len(grams)


def novel_sentence_share(response: str, source: str) -> float | None:
    """Return the share of the response's sentences whose words the source never has in a row.

    Case, punctuation and line breaks do not count. None if there is no sentence.
    Ziegler et al. 2019, arXiv:1909.08593, table 4.
    """
    parts = sentences(response)
    if not parts:
        return None
    haystack = f" {' '.join(words(source))} "
    return sum(f" {' '.join(words(part))} " not in haystack for part in parts) / len(parts)


def fragments(response: Sequence[str], source: Sequence[str]) -> list[int]:
    """Return the lengths of the greedy shared runs of tokens, from left to right.

    At each position of the response the longest run that also occurs in the source is taken.
    Grusky, Naaman, Artzi 2018, arXiv:1804.11283, fig. 3.
    """
    starts: dict[str, list[int]] = {}
    for position, token in enumerate(source):
        starts.setdefault(token, []).append(position)
    lengths, i = [], 0
    while i < len(response):
        longest = max(
            (_run(response, i, source, j) for j in starts.get(response[i], ())), default=0
        )
        if longest:
            lengths.append(longest)
        i += max(longest, 1)
    return lengths


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


def longest_common_run(response: str, source: str) -> int:
    """Return how many words in a row the response shares with the source at most."""
    a, b = words(response), words(source)
    return SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size


def copies_start(response: str, source: str, n: int = 3) -> bool:
    """Return whether the first `n` words of the response are the first `n` of the source."""
    first = words(response)[:n]
    return len(first) == n and first == words(source)[:n]


def distinct_share(responses: Sequence[str], n: int = 2) -> float | None:
    """Return distinct-n: different n-grams over all n-grams, all responses together.

    Depends on the amount of text: compare only sets of like size. Li et al. 2016, arXiv:1510.03055.
    """
    grams = [gram for response in responses for gram in ngrams(words(response), n)]
    return len(set(grams)) / len(grams) if grams else None


def duplicate_share(responses: Sequence[str]) -> float | None:
    """Return the share of responses that another response repeats word for word."""
    counts = Counter(" ".join(words(response)) for response in responses)
    if not responses:
        return None
    return sum(count for count in counts.values() if count > 1) / len(responses)


def longest_repeated_run(text: str) -> int:
    """Return how many words in a row the text says twice at most; the two places may overlap."""
    tokens = words(text)
    best = 0
    for length in range(1, len(tokens)):
        grams = ngrams(tokens, length)
        if len(set(grams)) == len(grams):
            break
        best = length
    return best


@dataclass(frozen=True, kw_only=True)
class Rouge:
    """F1 of ROUGE-1, ROUGE-2 and ROUGE-L, from 0 to 1."""

    rouge_1: float
    rouge_2: float
    rouge_l: float


def rouge(candidate: str, reference: str) -> Rouge:
    """Return how many words, word pairs and words in order two texts share.

        ROUGE-n = F1 of clipped n-gram counts;  ROUGE-L = F1 of the longest common subsequence

    Lower case, no stemming, punctuation splits words. Lin 2004, W04-1013, sections 2 and 3.1.
    """
    a, b = (_PLAIN_WORD.findall(text.lower()) for text in (candidate, reference))
    return Rouge(
        rouge_1=_overlap_f1(ngrams(a, 1), ngrams(b, 1)),
        rouge_2=_overlap_f1(ngrams(a, 2), ngrams(b, 2)),
        rouge_l=_f1(_common_subsequence(a, b), len(a), len(b)),
    )


def _overlap_f1(a: Sequence[tuple[str, ...]], b: Sequence[tuple[str, ...]]) -> float:
    return _f1((Counter(a) & Counter(b)).total(), len(a), len(b))


def _f1(shared: int, n_candidate: int, n_reference: int) -> float:
    return 2 * shared / (n_candidate + n_reference) if shared else 0.0


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for token in a:
        diagonal = 0
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if token == other else max(row[j], row[j - 1])
    return row[-1]
