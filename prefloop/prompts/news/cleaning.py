"""From the package's articles to a prompt file: what is kept is mended, what is not is counted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefloop.prompts.news.boilerplate import (
    is_about_the_page,
    split_sentences,
    strip_boilerplate,
    strip_subtitle,
)
from prefloop.prompts.news.lost_characters import LOST, mend, vocabulary
from prefloop.text.normal_form import normal_form
from prefloop.text.words import words

SHORTEST_SUBTITLE, LONGEST_SUBTITLE = 8, 28
"""Words of a subtitle that can stand for a summary: shorter ones are teasers, longer ones texts."""

SHORTEST_TEXT = 60
"""Words that an article needs, or there is nothing to summarize."""

SHARED = 0.5
"""An article repeats another if sentences with this share of its words stand in that one."""

LAST_SENTENCES, RECURRING = 5, 3
"""A sentence among the last so many of so many articles of a publisher belongs to none of them."""

LAST_CHARACTERS, BEGINNING = 1000, 60
"""How much of an article's end is looked at for that, and what tells two articles apart."""

Fate = Literal[
    "no subtitle",
    "subtitle length",
    "broken subtitle",
    "broken text",
    "too little text",
    "no article",
    "repeats another",
]
"""Why an article gives no prompt."""

REASONS: dict[Fate, str] = {
    "no subtitle": "have no subtitle",
    "subtitle length": f"have a subtitle outside {SHORTEST_SUBTITLE} to {LONGEST_SUBTITLE} words",
    "broken subtitle": "have a subtitle in which characters are lost",
    "broken text": f"have lost characters within their first {SHORTEST_TEXT} words",
    "too little text": f"have fewer than {SHORTEST_TEXT} words",
    "no article": "are galleries, quizzes, live tickers or lists",
    "repeats another": "repeat another, or are an earlier version of it",
}


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article as it stands in the package, or as it is kept."""

    id: str
    date: str
    link: str
    title: str
    subtitle: str
    text: str

    @property
    def publisher(self) -> str:
        """The site, such as `bbc.co.uk`."""
        return self.link.split("/")[2].removeprefix("www.") if "//" in self.link else "unknown"


@dataclass(frozen=True, kw_only=True)
class CleanedNews:
    """The articles that are kept, and what became of all."""

    kept: list[Article]
    dropped: list[tuple[Article, Fate]]
    mended: int
    """Kept articles with characters that were mended."""
    cut: int
    """Kept articles that end before the first sentence with a lost character."""
    boilerplate: Counter[str]
    """Kept articles in which each kind was found."""
    leads: int
    """Kept articles that began with their subtitle, which was taken out."""
    verbatim: int
    """Kept articles whose subtitle stands in them word for word."""


def clean(articles: Sequence[Article]) -> CleanedNews:
    """Return the articles with a subtitle of usual length, mended, each once.

    An article that begins with its own subtitle has that sentence taken out, as XSum does with the
    BBC's (Narayan, Cohen, Lapata 2018, arXiv:1808.08745): a summary that the source holds word for
    word would teach to copy.
    """
    cleaner = _Cleaner(articles)
    for article in articles:
        cleaner.take(article)
    return CleanedNews(
        kept=cleaner.kept,
        dropped=cleaner.dropped,
        mended=cleaner.counts["mended"],
        cut=cleaner.counts["cut"],
        boilerplate=cleaner.boilerplate,
        leads=cleaner.counts["leads"],
        verbatim=sum(_stands_in(a.subtitle, a.text) for a in cleaner.kept),
    )


class _Cleaner:
    """Articles are kept or dropped, one after the other."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.kept: list[Article] = []
        self.dropped: list[tuple[Article, Fate]] = []
        self.counts: Counter[str] = Counter()
        self.boilerplate: Counter[str] = Counter()
        self._known = vocabulary(article.text for article in articles)
        self._recurring = _recurring_ends(articles)
        self._seen: dict[str, set[int]] = defaultdict(set)

    def take(self, article: Article) -> None:
        """Keep an article in its clean form, or drop it with the reason."""
        found: Counter[str] = Counter()
        cleaned = self._cleaned(article, found)
        if isinstance(cleaned, str):
            self.dropped.append((article, cleaned))
            return
        forms = [normal_form(sentence) for sentence in split_sentences(cleaned.text)]
        if self._repeats(forms):
            self.dropped.append((article, "repeats another"))
            return
        for form in forms:
            self._seen[form].add(len(self.kept))
        self.kept.append(cleaned)
        self.counts.update(kind for kind in ("mended", "cut", "leads") if found.pop(kind, 0))
        self.boilerplate.update(found)

    def _cleaned(self, article: Article, found: Counter[str]) -> Article | Fate:
        if not article.subtitle.strip():
            return "no subtitle"
        subtitle = strip_subtitle(mend(article.subtitle, self._known), article.publisher)
        if not SHORTEST_SUBTITLE <= len(words(subtitle)) <= LONGEST_SUBTITLE:
            return "subtitle length"
        if is_about_the_page(subtitle):
            return "no article"
        if LOST in subtitle or subtitle.count('"') % 2:
            return "broken subtitle"
        mended = mend(article.text, self._known)
        text = self._without_recurring(strip_boilerplate(mended, found), article.publisher)
        whole = _before_lost(text)
        if len(words(whole)) < SHORTEST_TEXT:
            return "broken text" if whole != text else "too little text"
        found["cut"] = int(whole != text)
        found["mended"] = int(_quotes(mended) != _quotes(article.text))
        rest = _without_lead(whole, subtitle)
        if rest != whole:
            found["leads"] = 1
            if len(words(rest)) < SHORTEST_TEXT:
                return "too little text"
        return replace(article, subtitle=subtitle, text=rest)

    def _without_recurring(self, text: str, publisher: str) -> str:
        """Leave out, at the end, the sentences with which several articles end."""
        sentences = split_sentences(text)
        first = max(0, len(sentences) - LAST_SENTENCES)
        known = self._recurring.get(publisher, set())
        kept = [s for s in sentences[first:] if normal_form(s) not in known]
        return " ".join([*sentences[:first], *kept])

    def _repeats(self, forms: list[str]) -> bool:
        """Whether one earlier article holds half of an article, counted in words."""
        shared: Counter[int] = Counter()
        total = 0
        for form in forms:
            n = len(form.split())
            total += n
            for earlier in self._seen.get(form, ()):
                shared[earlier] += n
        return any(n >= SHARED * total for n in shared.values())


def _recurring_ends(articles: Iterable[Article]) -> dict[str, set[str]]:
    """Return, for each publisher, the sentences with which several of its articles end.

    Versions of one article, which begin alike, count once.
    """
    beginnings: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    nothing: Counter[str] = Counter()
    for article in articles:
        stripped = strip_boilerplate(mend(article.text[-LAST_CHARACTERS:], nothing), Counter())
        for sentence in split_sentences(stripped)[-LAST_SENTENCES:]:
            places = beginnings[article.publisher][normal_form(sentence)]
            places.add(normal_form(article.text[:BEGINNING]))
    return {
        publisher: {sentence for sentence, places in found.items() if len(places) >= RECURRING}
        for publisher, found in beginnings.items()
    }


def _before_lost(text: str) -> str:
    """Return the sentences before the first with a lost character."""
    if LOST not in text:
        return text
    kept = []
    for sentence in split_sentences(text):
        if LOST in sentence:
            break
        kept.append(sentence)
    return " ".join(kept)


def _without_lead(text: str, subtitle: str) -> str:
    """Return an article without its first sentences if they are its subtitle."""
    sentences = split_sentences(text)
    wanted = words(subtitle)
    for n in (1, 2):
        if words(" ".join(sentences[:n])) == wanted:
            return " ".join(sentences[n:])
    return text


def _stands_in(subtitle: str, text: str) -> bool:
    return f" {' '.join(words(subtitle))} " in f" {' '.join(words(text))} "


def _quotes(text: str) -> str:
    """Return a text without what mending may change for looks alone: kinds of white space."""
    return " ".join(text.replace("\xa0", " ").replace("\u200b", "").replace("\u200a", "").split())
