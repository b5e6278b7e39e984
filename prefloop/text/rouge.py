"""ROUGE: overlap of a text with a human-written reference."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.text.overlap import longest_common_subsequence
from prefloop.text.words import ngrams, plain_words


@dataclass(frozen=True, kw_only=True)
class Rouge:
    """F1 of ROUGE-1, ROUGE-2 and ROUGE-L, from 0 to 1."""

    rouge_1: float
    rouge_2: float
    rouge_l: float


def rouge(candidate: str, reference: str) -> Rouge:
    """Return the overlap of two texts in words, word pairs and words in order.

        ROUGE-n = F1 of clipped n-gram counts;  ROUGE-L = F1 of the longest common subsequence

    Lower case, no stemming, punctuation splits words; in scripts without spaces the words are the
    characters. Lin 2004, W04-1013, sections 2 and 3.1.
    """
    a, b = map(plain_words, (candidate, reference))
    return Rouge(
        rouge_1=_overlap_f1(ngrams(a, 1), ngrams(b, 1)),
        rouge_2=_overlap_f1(ngrams(a, 2), ngrams(b, 2)),
        rouge_l=_f1(longest_common_subsequence(a, b), len(a), len(b)),
    )


def _overlap_f1(a: Sequence[tuple[str, ...]], b: Sequence[tuple[str, ...]]) -> float:
    return _f1((Counter(a) & Counter(b)).total(), len(a), len(b))


def _f1(shared: int, n_candidate: int, n_reference: int) -> float:
    return 2 * shared / (n_candidate + n_reference) if shared else 0.0
