"""Numbers that say what of a claim its source does not bear out; a copied claim has only zeros.

None of them counts words that are not in the source, as `accuracy_in_a_hurry` does, beyond a floor
that true paraphrases reach: what a claim shares with its source is compared, and the rest is left
to the words around it.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prefloop.scorers.claims.negation import flipped_polarity
from prefloop.scorers.claims.roles import swapped_roles
from prefloop.scorers.claims.source import ClaimSource, content_of
from prefloop.scorers.claims.tokens import Sentence, Token

FEATURES = (
    "absent_names",
    "absent_numbers",
    "unsupported",
    "strange_names",
    "strange_numbers",
    "misplaced_names",
    "distant_names",
    "misplaced_numbers",
    "distant_numbers",
    "swapped_roles",
    "negation_added",
    "negation_dropped",
)
"""What each column of `claim_features` is."""

FLOOR = 0.3
"""Share of a claim's content words that a true paraphrase shares with two sentences at least."""

REACHES = ((1, 2), (3, 6))
"""Content words around a name or number in a claim, and in the source, that should agree."""

FREE = 0.4
"""Share of a name's neighbors that a true paraphrase may move."""

MOST = 2
"""More absent names, or numbers, than this say no more."""


def claim_features(claim: Sentence, source: ClaimSource) -> NDArray[np.float64]:
    """Return the features of one sentence, in the order of FEATURES; all are 0 for a copy.

    A sentence without content words is no claim, and neither is one that says one word again and
    again: nothing of it is supported, unless a sentence of the source says no more.
    """
    content = content_of(claim)
    stems = [token.stem for token in content]
    ranked = source.ranked(stems)
    names = [token for token in content if token.kind == "name"]
    numbers = [token for token in content if token.kind == "number"]
    added, dropped = flipped_polarity(claim, source, ranked)
    return np.array(
        [
            _absent(names, source),
            _absent(numbers, source),
            _unsupported(stems, source, ranked),
            _strange(names, claim, source),
            _strange(numbers, claim, source),
            *(_misplaced(names, content, source, reach=r, near=n) for r, n in REACHES),
            *(_misplaced(numbers, content, source, reach=r, near=n) for r, n in REACHES),
            swapped_roles(claim, source.roles),
            added,
            dropped,
        ]
    )


def _absent(tokens: Sequence[Token], source: ClaimSource) -> float:
    return min(sum(token.stem not in source for token in tokens), MOST)


def _unsupported(stems: Sequence[str], source: ClaimSource, ranked: Sequence[int]) -> float:
    """Return how far the claim stays below FLOOR in the best sentence and its neighbor."""
    said = frozenset(stems)
    if not said or not ranked or (len(said) == 1 and said not in source.stems):
        # `It is what it is`, and a name again and again, would have no error at all and win
        # against every summary.
        return 1.0
    held = [source.stems[number] for number in range(len(source.stems))]
    windows = [a | b for a, b in pairwise(held)] or held
    share = max(sum(stem in window for stem in stems) for window in windows) / len(stems)
    return max(0.0, FLOOR - share) / FLOOR


def _strange(tokens: Iterable[Token], claim: Sentence, source: ClaimSource) -> float:
    """Return the largest share of a token's known clause that is in no sentence with the token."""
    worst = 0.0
    for token in tokens:
        if token.stem not in source:
            continue
        context = {
            other.stem
            for other in claim
            if other.clause == token.clause
            and other.is_content
            and other.stem != token.stem
            and other.stem in source
        }
        if context:
            best = max(len(context & source.stems[number]) for number in source.places[token.stem])
            worst = max(worst, 1.0 - best / len(context))
    return worst


def _misplaced(
    tokens: Sequence[Token], content: Sequence[Token], source: ClaimSource, *, reach: int, near: int
) -> float:
    """Return the largest share of a token's neighbors that are not near it in the source.

    Both texts are read without the words that the other lacks, so that what a paraphrase leaves
    out, or says in other words, moves nothing. Neighbors are at most `reach` words away in the
    claim, and `near` says what is near in the source.
    """
    shared = [token for token in content if token.stem in source]
    index_of = {token.place: index for index, token in enumerate(shared)}
    held = frozenset(token.stem for token in shared)
    worst = 0.0
    for token in tokens:
        if token.stem not in source:
            continue
        first, last = _run(shared, index_of[token.place])
        around = [*shared[max(0, first - reach) : first], *shared[last + 1 : last + 1 + reach]]
        neighbors = {t.stem for t in around} - {token.stem}
        if neighbors:
            span = near + last - first
            best = max(len(neighbors & found) for found in source.near(token.stem, span, held))
            worst = max(worst, 1.0 - best / len(neighbors))
    return max(0.0, worst - FREE) / (1.0 - FREE)


def _run(tokens: Sequence[Token], index: int) -> tuple[int, int]:
    """Return the first and last index of the tokens that make one name or number with this one."""
    kind, first, last = tokens[index].kind, index, index
    while first > 0 and _follows(tokens[first - 1], tokens[first], kind):
        first -= 1
    while last + 1 < len(tokens) and _follows(tokens[last], tokens[last + 1], kind):
        last += 1
    return first, last


def _follows(before: Token, token: Token, kind: str) -> bool:
    return before.kind == token.kind == kind and token.place == before.place + 1
