"""True paraphrases of news sentences, made by rules: what they say, their sentence says.

Rules: synonyms from a list; active and passive voice; a time or clause moved to the other end;
insertions, quotations' speakers and side clauses left out or moved; filler left out. A paraphrase
is what several of them make of one sentence.
"""

import random
import re
from collections.abc import Callable

from planted import WORDS

Rule = Callable[[str, random.Random], str | None]

SYNONYMS: dict[str, str] = WORDS["synonyms"]
VERBS = [tuple(verb.split()) for verb in WORDS["verbs"].split("; ")]
"""Base, past and participle of verbs with an object."""

_PAST_TO_PARTICIPLE = {past: participle for _, past, participle in VERBS}
_PARTICIPLE_TO_PAST = {participle: past for _, past, participle in VERBS}
_END = (
    r"(?P<rest>(?: (?:in|on|at|after|before|during|for|from|over|as|to|with|since|near)\b[^,]*)?)\."
)
_PHRASE = r"(?:[\w'$£%-]+ ){0,6}?[\w'$£%-]+"
_ACTIVE = re.compile(
    rf"(?P<subject>{_PHRASE}) (?P<verb>{'|'.join(_PAST_TO_PARTICIPLE)}) "
    rf"(?P<object>(?:the|a|an|his|her|its|their|[A-Z]|\d){_PHRASE}){_END}"
)
_PASSIVE = re.compile(
    rf"(?P<subject>{_PHRASE}) (?:was|were) (?P<verb>{'|'.join(_PARTICIPLE_TO_PAST)}) by "
    rf"(?P<agent>{_PHRASE}){_END}"
)
_FRONT = re.compile(
    r"(?P<when>(?:On|In|At|After|During|Since|When|While|Before|Because|Although|If) "
    r"[^,]{3,70}), (?P<rest>[^,]+[^.])\."
)
_BACK = re.compile(
    r"(?P<rest>[^,]{20,}?) (?P<when>(?:on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|in \d{4}|"
    r"last (?:week|month|year|night)|this (?:week|month|year)|(?:after|before|when|because|while) "
    r"[^,]{10,60}))\."
)
_APPOSITIVE = re.compile(r"(?<=[a-z]), (?:a|an|the|who|which|where|whose)\b[^,]{4,80}, ")
_SIDE_CLAUSE = re.compile(r", (?:which|who|where|while|although|with|as|but|and)\b[^\"]{10,}\.$")
_SPEAKER_LAST = re.compile(
    r"(?P<what>[^\"]{20,}), (?P<who>[^,\"]{2,60}) (?:said|says)(?: on \w+day)?\."
)
_SPEAKER_FIRST = re.compile(
    r"(?P<who>[^,\"]{2,60}?) (?:said|says) (?:that )?(?P<what>[^\"]{20,})\."
)
_FILLER = re.compile(
    r" (?:also|already|still|just|now|really|very|currently|recently|officially|reportedly)\b"
)
_ARTICLES = frozenset(
    ["The", "A", "An", "This", "His", "Her", "Its", "Their", "He", "She", "It", "They"]
)


def paraphrase(sentence: str, rng: random.Random) -> str | None:
    """Return what several rules make of a sentence; None if fewer than two apply."""
    done = 0
    for rule in rng.sample(RULES, len(RULES)):
        if rng.random() < 0.8 and (new := rule(sentence, rng)) is not None and new != sentence:
            sentence, done = new, done + 1
    return sentence if done >= 2 else None


def _synonyms(sentence: str, rng: random.Random) -> str | None:
    def other(match: re.Match[str]) -> str:
        word = match[0]
        return SYNONYMS[word] if word in SYNONYMS and rng.random() < 0.8 else word

    return re.sub(r"(?<=[ \"])[a-z]+\b", other, sentence)


def _to_passive(sentence: str, rng: random.Random) -> str | None:
    found = _ACTIVE.fullmatch(sentence)
    if found is None:
        return None
    thing, verb = found["object"], _PAST_TO_PARTICIPLE[found["verb"]]
    be = "were" if thing.endswith("s") and not thing[0].isupper() else "was"
    return f"{_upper(thing)} {be} {verb} by {_lower(found['subject'])}{found['rest']}."


def _to_active(sentence: str, rng: random.Random) -> str | None:
    found = _PASSIVE.fullmatch(sentence)
    if found is None:
        return None
    past = _PARTICIPLE_TO_PAST[found["verb"]]
    return f"{_upper(found['agent'])} {past} {_lower(found['subject'])}{found['rest']}."


def _to_back(sentence: str, rng: random.Random) -> str | None:
    found = _FRONT.fullmatch(sentence)
    return found and f"{_upper(found['rest'])} {_first_lower(found['when'])}."


def _to_front(sentence: str, rng: random.Random) -> str | None:
    found = _BACK.fullmatch(sentence)
    return found and f"{_upper(found['when'])}, {_lower(found['rest'])}."


def _without_insertion(sentence: str, rng: random.Random) -> str | None:
    return _APPOSITIVE.sub(" ", sentence, count=1)


def _without_side_clause(sentence: str, rng: random.Random) -> str | None:
    return _SIDE_CLAUSE.sub(".", sentence) if len(sentence) > 80 else None


def _speaker(sentence: str, rng: random.Random) -> str | None:
    if found := _SPEAKER_LAST.fullmatch(sentence):
        return f"According to {_lower(found['who'])}, {_lower(found['what'])}."
    if found := _SPEAKER_FIRST.fullmatch(sentence):
        return f"{_upper(found['what'])}, {_lower(found['who'])} said."
    return None


def _without_filler(sentence: str, rng: random.Random) -> str | None:
    return _FILLER.sub("", sentence)


RULES: list[Rule] = [
    _synonyms,
    _to_passive,
    _to_active,
    _to_back,
    _to_front,
    _without_insertion,
    _without_side_clause,
    _speaker,
    _without_filler,
]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _lower(text: str) -> str:
    """Return a phrase as it stands within a sentence: what may be a name keeps its capital."""
    return _first_lower(text) if text.split()[0] in _ARTICLES else text
