"""Errors of four kinds, planted into true claims: names, numbers, negation, who did what."""

import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

WORDS = json.loads(Path(__file__).with_name("news_words.json").read_text("utf-8"))

Kind = Literal["name", "number", "negation", "who did what"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_NAME = re.compile(r"[A-Z][\w'-]*[a-z](?: (?:of |de |al-|bin )?[A-Z][\w'-]*[a-z])*")
_NUMBER = re.compile(r"(?<![\w.,-])\d{1,3}(?:,\d{3})+|(?<![\w.,-])\d+(?:\.\d+)?(?![\w-])")
_WORDS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_WRITTEN = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|will|would|has|have|had|can|could|should|must|may|might|did|does|do)\b"
    r"(?! not\b|n't|\s*[,.])"
)
_NOT = re.compile(r"(?<=[a-z]) not\b|(?<=[a-z])n't\b")
_PAST = re.compile(
    r"(?<=[a-z] )(\w{3,}(?:ed))(?= (?:the|a|an|to|that|his|her|its|their|in|on|it)\b)"
)
_STARTS = frozenset(WORDS["starts"].split())
_SYMMETRIC = re.compile(r"\b(?:and|or|met|meets?|meeting|with|between|married|like|as well as)\b")
_SAYS_SOMETHING = re.compile(r"\b(?!from\b|into\b|that\b|with\b)[a-z]{4,}\b")


def plant(
    kind: Kind, claim: str, source: str, others: Sequence[str], rng: random.Random
) -> str | None:
    """Return the claim with one error of this kind; None if it has no place for one.

    `source` is the text that the claim is true of; `others` are names of other articles.
    """
    planter: Callable[..., str | None] = {
        "name": _other_name,
        "number": _other_number,
        "negation": _negated,
        "who did what": _exchanged,
    }[kind]
    found = planter(claim, source, others, rng)
    return None if found == claim else found


def names_of(text: str) -> list[str]:
    """Return the names of a text that do not stand at the beginning of a sentence."""
    found = []
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip()
        is_start = not before or before[-1] in '.!?"'
        if not is_start and match[0] not in _STARTS and match[0].split()[0] not in _STARTS:
            found.append(match[0])
    return found


def _spans(claim: str, source: str) -> list[re.Match[str]]:
    """Return the names of a claim; at its start those that are names elsewhere in the source."""
    known = set(names_of(source))
    return [
        match
        for match in _NAME.finditer(claim)
        if match[0].split()[0] not in _STARTS
        and (match.start() > 0 or match[0] in known or " " in match[0])
    ]


def _other_name(claim: str, source: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Put another name in the place of one: in half of the cases one of the same source."""
    spans = _spans(claim, source)
    if not spans:
        return None
    span = rng.choice(spans)
    inside = [name for name in names_of(source) if not _overlap(name, claim)]
    outside = [name for name in others if not _overlap(name, source)]
    pool = inside if inside and rng.random() < 0.5 else outside
    return _put(claim, span, rng.choice(pool)) if pool else None


def _other_number(claim: str, source: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Put another number in the place of one: in half of the cases one of the same source."""
    spans = [*_NUMBER.finditer(claim), *_WRITTEN.finditer(claim)]
    if not spans:
        return None
    span = rng.choice(spans)
    if span[0] in _WORDS:
        return _put(claim, span, rng.choice([word for word in _WORDS if word not in claim]))
    inside = [m[0] for m in _NUMBER.finditer(source) if m[0] not in claim]
    if inside and rng.random() < 0.5:
        return _put(claim, span, rng.choice(inside))
    value = float(span[0].replace(",", ""))
    if value.is_integer():
        new = int(value) + rng.choice([-3, -2, -1, 1, 2, 3]) * max(1, int(value) // 10)
        text = f"{abs(new):,}" if "," in span[0] else str(abs(new))
    else:
        text = f"{value * rng.choice([0.5, 1.5, 2.0]) + 0.1:.1f}"
    return None if text in source else _put(claim, span, text)


def _negated(claim: str, source: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Take a `not` away, or put one in."""
    if found := _NOT.search(claim):
        return claim[: found.start()] + claim[found.end() :]
    if auxiliaries := list(_AUXILIARY.finditer(claim)):
        span = rng.choice(auxiliaries)
        return claim[: span.end()] + " not" + claim[span.end() :]
    if found := _PAST.search(claim):
        verb = found[1].removesuffix("ed") + ("" if found[1][-4:-2] not in ("nc", "iv") else "e")
        return _put(claim, found, f"did not {verb}")
    return None


def _exchanged(claim: str, source: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Let two names change places between which something is said of them."""
    spans = _spans(claim, source)
    pairs = [
        (a, b)
        for i, a in enumerate(spans)
        for b in spans[i + 1 :]
        if _SAYS_SOMETHING.search(between := claim[a.end() : b.start()])
        and not _SYMMETRIC.search(between)
        and not _overlap(a[0], b[0])
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return claim[: a.start()] + b[0] + claim[a.end() : b.start()] + a[0] + claim[b.end() :]


def _overlap(name: str, text: str) -> bool:
    words = {word.removesuffix("'s") for word in re.findall(r"[\w'-]+", text)}
    return any(word.removesuffix("'s") in words for word in name.split())


def _put(claim: str, span: re.Match[str], text: str) -> str:
    return claim[: span.start()] + text + claim[span.end() :]
