"""True claims and claims with planted errors, with the sources that they are about."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from articles import Article
from paraphrase import paraphrase
from planted import KINDS, names_of, plant

from prefloop.text.words import sentences as split_sentences

Form = Literal["copy", "paraphrase"]

LENGTHS = (100, 300)
"""Words of a source: that of a prompt that was cut to 120 tokens, and that of a whole article."""

CLAIMS_PER_SOURCE = 4
TRIES = 4
"""How often rules are drawn until two apply."""

SHORTEST, LONGEST = 8, 40
"""Words of a sentence from which a claim is made."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim about a source."""

    article: str
    source: str
    text: str
    error: str | None
    """The kind of what was planted; `foreign` for a sentence of another article; None if true."""
    form: Form
    """What the error was planted into, or what the true claim is."""
    origin: str
    """The sentence of the source that it was made from."""


def claims_of(articles: Sequence[Article], seed: int) -> Iterator[Claim]:
    """Yield claims about every article; the same seed gives the same claims."""
    names = [name for article in articles for name in names_of(" ".join(article.sentences))]
    for article in articles:
        rng = random.Random(f"{seed} {article.title}")
        for length in LENGTHS:
            sentences = source_sentences(article.sentences, length)
            source = " ".join(sentences)
            usable = [s for s in sentences if SHORTEST <= len(s.split()) <= LONGEST]
            usable = [s for s in usable if len(split_sentences(s)) == 1]
            for sentence in rng.sample(usable, min(CLAIMS_PER_SOURCE, len(usable))):
                yield from _about(article, source, sentence, rng.sample(names, 50), rng)
            other = rng.choice(articles)
            if other is not article:
                stranger = rng.choice(other.sentences)
                yield _claim(article, source, stranger, "foreign", "copy", stranger)


def source_sentences(sentences: Sequence[str], length: int) -> list[str]:
    """Return the first sentences of an article, up to so many words; the first in any case."""
    kept: list[str] = []
    for sentence in sentences:
        if kept and sum(len(s.split()) for s in kept) + len(sentence.split()) > length:
            break
        kept.append(sentence)
    return kept


def _about(
    article: Article, source: str, sentence: str, others: Sequence[str], rng: random.Random
) -> Iterator[Claim]:
    forms: list[tuple[Form, str | None]] = [
        ("copy", sentence),
        ("paraphrase", next(filter(None, (paraphrase(sentence, rng) for _ in range(TRIES))), None)),
    ]
    for form, text in forms:
        if text is None:
            continue
        yield _claim(article, source, text, None, form, sentence)
        for kind in KINDS:
            if (wrong := plant(kind, text, source, others, rng)) is not None:
                yield _claim(article, source, wrong, kind, form, sentence)


def _claim(
    article: Article, source: str, text: str, error: str | None, form: Form, origin: str
) -> Claim:
    return Claim(
        article=article.title, source=source, text=text, error=error, form=form, origin=origin
    )
