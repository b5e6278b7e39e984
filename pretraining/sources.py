"""The texts the tiny model is trained on: where each comes from and what may be done with it.

Prompts are cut only from the sources marked `public_domain`: those texts may be committed.
"""

from dataclasses import dataclass
from pathlib import Path

STANDARD_EBOOKS = "https://github.com/standardebooks/"


def books() -> list[tuple[str, str, str]]:
    """Read `books.tsv`: repository, title and commit of each Standard Ebooks edition.

    The author of each died more than seventy years ago.
    """
    lines = Path(__file__).with_name("books.tsv").read_text(encoding="utf8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [(name, title, commit) for name, title, commit in rows]


BOOKS = books()


@dataclass(frozen=True)
class Source:
    """One corpus and its terms."""

    name: str
    licence: str
    public_domain: bool
    repeats: int = 1
    """How often the text is repeated in one pass over the training data."""


SOURCES: tuple[Source, ...] = (
    Source("standard_ebooks", "public domain texts, CC0 editions", public_domain=True),
    Source("austen", "public domain texts, MIT package", public_domain=True),
    Source("moby_dick", "public domain", public_domain=True),
    Source("brown_fiction", "redistribution permitted", public_domain=False, repeats=2),
    Source("brown_other", "redistribution permitted", public_domain=False),
    Source("food_reviews", "MIT package", public_domain=False),
)
