"""Who did what to whom: the order of two names around what one of them did, in active order.

A clause in the passive voice is read as its active one: `B was beaten by A` as `A beat B`. Two
names have swapped their roles if a word that claim and source share stands between them, all three
in one clause, and the source has the names the other way round, and nowhere this way.
"""

from collections.abc import Iterator
from itertools import combinations

from prefloop.scorers.claims.tokens import REPORTING, Sentence, Token
from prefloop.scorers.claims.voice import active_clauses

REACH = 9
"""Words between two names, beyond which they do not belong to one another's verb."""

RoleTriple = tuple[str, str, str]
"""A name, what stands between, another name."""


def swapped_roles(claim: Sentence, known: frozenset[RoleTriple]) -> float:
    """Return 1 if two names of the claim have swapped their roles, else 0.

    `known` are the roles of the source, from `roles` of its sentences.
    """
    found = set(roles(claim))
    return float(any((b, verb, a) in known and (a, verb, b) not in known for a, verb, b in found))


def roles(sentence: Sentence) -> Iterator[RoleTriple]:
    """Yield (name, word, name) for the words between two names of one clause, in active order."""
    for clause in active_clauses(sentence):
        words = [t for t in clause if t.is_content or t.text.lower() in REPORTING]
        for (i, first), (j, second) in combinations(enumerate(words), 2):
            if _are_two_names(first, second) and j - i <= REACH:
                for between in words[i + 1 : j]:
                    if between.kind != "name":
                        yield first.stem, _stem(between), second.stem


def _are_two_names(first: Token, second: Token) -> bool:
    return first.kind == second.kind == "name" and first.stem != second.stem


def _stem(token: Token) -> str:
    return "say" if token.text.lower() in REPORTING else token.stem
