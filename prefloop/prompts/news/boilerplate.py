"""Takes out of an article what is not its text: agency lines, bylines, captions, invitations.

The rules are those of the package's publishers (Al Jazeera, TASS, HuffPost, BBC, CNN, Deutsche
Welle); they stand in `rules.yaml`. What each kind was found in is counted.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from prefloop.text.words import words

Rules = dict[str, list[re.Pattern[str]]]
"""Kind of boilerplate -> expressions that find it."""

_FILE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "rules.yaml").read_text(encoding="utf-8")
)


def _rules(place: str) -> Rules:
    return {kind: [re.compile(rule) for rule in rules] for kind, rules in _FILE[place].items()}


_HEAD, _TAIL, _ANYWHERE = _rules("head"), _rules("tail"), _rules("anywhere")
_SENTENCES = _rules("sentences")
_ABOUT_THE_PAGE = [re.compile(rule) for rule in _FILE["about the page"]]

_BEHIND_SUBTITLE = re.compile(r"(?<=[.?!])['\"]?\s+By(?:\s.*)?$|\s+By$")
"""`By` without a name, and headings of the article behind it, as Al Jazeera's have them."""

_HEADINGS = re.compile(r"(?<=[a-z0-9'\")][.?!])\s+(?:[^.?!]+(?:\?[^.?!]+)*|'[^']{3,50}'-?)$")
"""Headings of the article behind the last sentence of a subtitle."""

WITH_HEADINGS = frozenset(["aljazeera.com"])
"""Publishers whose subtitles are followed by headings."""

SHORT_LINK = 20
"""Words of a headline of another article, between two paragraphs."""

_END_MARK = re.compile(r"(?:,\s?)?,?-1\"*$")
"""A mark of the package's own, at the end of some texts."""

_GAP = re.compile(r" {2,}")
_ENDED = re.compile(r"[.!?…:;][\"')\]]*$")
_STARTS = re.compile(r"[\"'(\[]*[A-Z0-9]")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])")


def strip_boilerplate(text: str, found: Counter[str]) -> str:
    """Return the article without what is not its text; kinds that were there are added to `found`.

    >>> found = Counter()
    >>> strip_boilerplate("MOSCOW, March 3. /TASS/. It rained. READ MORE: Why? It is over.", found)
    'It rained. It is over.'
    >>> dict(found)
    {'agency lines': 1, 'captions and links': 1}
    """
    kinds: set[str] = set()
    text = _without_headlines(text, kinds)
    for rules in (_HEAD, _TAIL, _ANYWHERE):
        text = _without(text, rules, kinds)
    text = _without_sentences(text, kinds)
    found.update(kinds)
    return _END_MARK.sub("", " ".join(text.split())).strip(" -")


def strip_subtitle(subtitle: str, publisher: str) -> str:
    """Return a subtitle without agency lines, bylines and headings of the article.

    >>> strip_subtitle("New Delhi (CNN)A boy is set to return home.", "cnn.com")
    'A boy is set to return home.'
    >>> strip_subtitle("Court finds him guilty. 'Corrupt system'", "aljazeera.com")
    'Court finds him guilty.'
    """
    shorter = " ".join(_without(subtitle.strip(), _HEAD, set()).split())
    shorter = _BEHIND_SUBTITLE.sub("", shorter)
    return _HEADINGS.sub("", shorter) if publisher in WITH_HEADINGS else shorter


def is_about_the_page(subtitle: str) -> bool:
    """Whether a subtitle says what the page is, or who wrote it, and sums nothing up."""
    return any(rule.search(subtitle) for rule in _ABOUT_THE_PAGE)


def split_sentences(text: str) -> list[str]:
    """Return the sentences with all their marks.

    >>> split_sentences('"It rained." He left.')
    ['"It rained."', 'He left.']
    """
    parts, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        parts.append(text[start : end.end()].strip())
        start = end.end()
    return [part for part in [*parts, text[start:].strip()] if part]


def _without(text: str, rules: Rules, kinds: set[str]) -> str:
    """Return a text without what rules find, and add the kinds that were there."""
    for kind, expressions in rules.items():
        for expression in expressions:
            shorter = expression.sub(" ", text).strip()
            if shorter != text:
                kinds.add(kind)
                text = shorter
    return text


def _without_headlines(text: str, kinds: set[str]) -> str:
    """Leave out headlines of other articles: they stand between wider gaps, and end in no mark."""
    parts = [part.strip() for part in _GAP.split(text.strip())]
    kept: list[str] = []
    for index, part in enumerate(parts):
        follows = parts[index + 1] if index + 1 < len(parts) else "A"
        is_between = (not kept or _ENDED.search(kept[-1])) and _STARTS.match(follows)
        is_short = len(words(part)) <= SHORT_LINK and _STARTS.match(part) is not None
        if not (is_short and is_between and not _ENDED.search(part)) or len(parts) == 1:
            kept.append(part)
    if len(kept) < len(parts):
        kinds.add("captions and links")
    return " ".join(kept)


def _without_sentences(text: str, kinds: set[str]) -> str:
    """Leave out sentences that address the reader of the site, and titles of other articles."""
    kept = []
    for sentence in split_sentences(text):
        kind = _kind(sentence)
        if kind is None:
            kept.append(sentence)
        else:
            kinds.add(kind)
    return " ".join(kept)


def _kind(sentence: str) -> str | None:
    """Return what kind of boilerplate a sentence is; None if it is text."""
    return next(
        (kind for kind, rules in _SENTENCES.items() if any(r.search(sentence) for r in rules)), None
    )
