"""Whether what a claim affirms is what its source affirms."""

from collections.abc import Sequence
from itertools import takewhile

from prefloop.scorers.claims.source import ClaimSource
from prefloop.scorers.claims.tokens import REPORTING, Sentence, Token

SCOPE = 3
"""Content words behind a negator, up to the next mark, that it turns into their opposite."""

BEST = 2
"""So many sentences of the source, those with most words of the claim, are compared."""


def flipped_polarity(
    claim: Sentence, source: ClaimSource, ranked: Sequence[int]
) -> tuple[float, float]:
    """Return how much the claim negates that its source affirms, and the other way round.

    Each is the share of negators, in the claim and in the sentences that fit it best, that have
    words in their scope which stand on the other side, and none there on the same side; 0 without
    negators.
    """
    held = frozenset(token.stem for token in claim if token.is_content)
    negated = frozenset(stem for scope in scopes(claim) for stem in scope)
    best = ranked[:BEST]
    there = [scopes(source.sentences[number]) for number in best]
    negated_there = frozenset(stem for found in there for scope in found for stem in scope)
    held_there = frozenset(stem for number in best for stem in source.stems[number])
    added = [_is_flipped(scope, negated_there, held_there) for scope in scopes(claim)]
    fitting = there[0] if there else []
    dropped = [_is_flipped(scope, negated, held) for scope in fitting]
    return float(any(added)), float(any(dropped))


def _is_flipped(scope: frozenset[str], negated: frozenset[str], held: frozenset[str]) -> bool:
    return bool(scope & held) and not scope & negated


def scopes(sentence: Sentence) -> list[frozenset[str]]:
    """Return the stems in the scope of each negator: behind it, or before where nothing is."""
    found = []
    for token in sentence:
        if token.kind == "negator":
            behind = _until_mark(sentence[token.place + 1 :]) or _until_mark(
                sentence[: token.place][::-1]
            )
            found.append(frozenset(behind[:SCOPE]))
    return found


def _until_mark(tokens: Sequence[Token]) -> list[str]:
    """Return the stems of what says something, or is said, before the first mark."""
    known = takewhile(lambda token: token.kind != "mark", tokens)
    return [token.stem for token in known if token.is_content or token.text.lower() in REPORTING]
