"""Clauses in active order: `B was beaten by A` as `A beat B`."""

from collections import defaultdict
from collections.abc import Sequence

from prefloop.scorers.claims.tokens import Sentence, Token, word_list

_PARTICIPLES, _PREPOSITIONS = map(word_list, ("participles", "prepositions"))
_PARTICIPLE = ("ed", "en", "wn", "ne", "id", "ought", "aught")


def active_clauses(sentence: Sentence) -> list[list[Token]]:
    """Return the clauses of a sentence, each in active order."""
    clauses: dict[int, list[Token]] = defaultdict(list)
    for token in sentence:
        clauses[token.clause].append(token)
    return [in_active_order(clause) for clause in clauses.values()]


def in_active_order(clause: Sequence[Token]) -> list[Token]:
    """Return the tokens of a clause with the agent of a passive verb first, its subject behind."""
    passive = _passive(clause)
    if passive is None:
        return list(clause)
    verb, by, end = passive
    subject, between = list(clause[:verb]), list(clause[verb + 1 : by])
    return [*clause[by + 1 : end], clause[verb], *subject, *between, *clause[end:]]


def _passive(clause: Sequence[Token]) -> tuple[int, int, int] | None:
    """Return the places of participle and `by`, and where the agent ends; None if it is active."""
    lower = [token.text.lower() for token in clause]
    for by, word in enumerate(lower):
        if word != "by":
            continue
        for verb in range(by - 1, max(-1, by - 5), -1):
            if lower[verb] in _PARTICIPLES or lower[verb].endswith(_PARTICIPLE):
                agent = range(by + 1, len(lower))
                end = next((i for i in agent if lower[i] in _PREPOSITIONS), len(lower))
                return verb, by, end
    return None
