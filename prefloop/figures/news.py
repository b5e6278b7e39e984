"""Figures about the news prompts (`news.provenance.json`): where each article went, and why."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD
from prefloop.figures.text import count


class NewsFigures(BaseModel):
    """What became of the articles of the package. It holds none of their text."""

    model_config = RECORD

    package: str
    """The package and its version."""
    data_sha256: str
    """Hash of the file with the articles."""
    articles: int
    """Articles in the package."""
    dropped: dict[str, int]
    """Why articles are left out, and how many for each reason; every one has one reason."""
    kept: int
    mended: int
    """Kept articles in which lost quotation marks, dashes, apostrophes or spaces were put back."""
    cut_short: int
    """Kept articles that end before the first sentence with a character that cannot be told."""
    boilerplate: dict[str, int]
    """Kept articles from which each kind of text that is not the article's was taken."""
    leads_taken_out: int
    """Kept articles that began with their subtitle word for word; that sentence is taken out."""
    verbatim_subtitles: int
    """Kept articles whose subtitle still stands in them word for word."""
    publishers: dict[str, int]
    splits: dict[str, int]
    """Kept articles by split, with the shares that are the default."""
    file_sha256: str
    """Hash of the prompt file that was written."""


def news_text(figures: NewsFigures) -> list[str]:
    """Return what became of the articles, as lines."""
    of_kept = figures.kept
    lines = [f"{count(figures.articles)} articles in {figures.package}, of which"]
    lines += [f"  {count(n):>6} {reason}" for reason, n in figures.dropped.items()]
    lines += [
        f"  {count(of_kept):>6} are kept: "
        + ", ".join(f"{count(n)} {split}" for split, n in figures.splits.items()),
        "Of those that are kept",
        f"  {count(figures.mended):>6} had lost characters that their neighbours tell",
        f"  {count(figures.cut_short):>6} end before the first character that nothing tells",
    ]
    lines += [f"  {count(n):>6} lost {kind}" for kind, n in figures.boilerplate.items()]
    return [
        *lines,
        f"  {count(figures.leads_taken_out):>6} began with their subtitle, which was taken out",
        f"  {count(figures.verbatim_subtitles):>6} hold their subtitle word for word elsewhere",
    ]
