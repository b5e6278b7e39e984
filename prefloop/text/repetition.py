"""How much a text repeats itself, and how much several texts repeat each other."""

from collections import Counter
from collections.abc import Hashable, Sequence

from prefloop.text.words import ngrams, words

OPENING_WORDS = 3


def opening(response: Sequence[str]) -> str:
    """Return the first three words of a response, given as words; empty if it has none."""
    return " ".join(response[:OPENING_WORDS])


def top_opening(responses: Sequence[Sequence[str]]) -> str:
    """Return the commonest opening of responses that are given as words, of several the first.

    An opening that stands once only repeats nothing: empty.

    >>> top_opening([["she", "was", "a", "queen"], ["no"], ["she", "was", "a"]])
    'she was a'
    """
    ((most, n), *_) = _openings(responses).most_common(1) or [("", 0)]
    return most if n > 1 else ""


def top_opening_share(responses: Sequence[Sequence[str]]) -> float:
    """Return the share of the responses, given as words, that begin with the commonest opening.

    An opening that stands once only repeats nothing: 0.
    """
    most = max(_openings(responses).values(), default=0)
    return most / len(responses) if most > 1 else 0.0


def _openings(responses: Sequence[Sequence[str]]) -> Counter[str]:
    return Counter(opening(response) for response in responses if response)


def said_before_share(prompts: Sequence[Hashable], responses: Sequence[Sequence[str]]) -> float:
    """Return the share of the responses, given as words, that an earlier one equals.

    `prompts` says which prompt each answers: only an earlier one to another prompt counts.
    """
    first: dict[str, Hashable] = {}
    texts = [" ".join(response) for response in responses]
    pairs = zip(prompts, texts, strict=True)
    return sum(first.setdefault(text, prompt) != prompt for prompt, text in pairs) / len(texts)


def distinct_share(responses: Sequence[str], n: int = 2) -> float | None:
    """Return distinct-n: distinct n-grams over all n-grams, counted over all responses.

    It falls with the amount of text: compare sets of equal size. Li et al. 2016, arXiv:1510.03055.
    """
    return distinct_share_of([words(response) for response in responses], n)


def distinct_share_of(responses: Sequence[Sequence[str]], n: int = 2) -> float | None:
    """Return distinct-n of responses given as words."""
    grams = [gram for response in responses for gram in ngrams(response, n)]
    return len(set(grams)) / len(grams) if grams else None


def duplicate_share(responses: Sequence[str]) -> float | None:
    """Return the share of responses that another response repeats word for word."""
    counts = Counter(" ".join(words(response)) for response in responses)
    if not responses:
        return None
    return sum(count for count in counts.values() if count > 1) / len(responses)


def repeated_share(text: str, n: int = 3) -> float:
    """Return the share of a text's n-grams that stand in it before: 0 if it repeats nothing.

    1 less distinct-n of one text. Welleck et al. 2020, arXiv:1908.04319, section 6.1 (seq-rep-n).

    >>> repeated_share("thanks thanks thanks thanks thanks")
    0.6666666666666667
    """
    grams = ngrams(words(text), n)
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


def longest_repeated_run(text: str) -> int:
    """Return the length, in words, of the longest run that occurs twice; both may overlap."""
    tokens = words(text)
    best = 0
    for length in range(1, len(tokens)):
        grams = ngrams(tokens, length)
        if len(set(grams)) == len(grams):
            break
        best = length
    return best
