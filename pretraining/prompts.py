"""Cut the fiction prompts out of the public-domain books, and say which split each falls into.

A passage is 60-140 words of narration: whole sentences from the start of one paragraph. One
paragraph gives at most one passage, so passages cannot overlap.
"""

import argparse
import gzip
import json
import random
import re
from pathlib import Path

from sources import SOURCES

from prefloop.prompts.splits import split_of

SHORTEST, LONGEST = 60, 140
CUT = range(28, 45)
"""A sentence must end within these words, so that a query of 32 to 64 tokens can be cut there."""

COUNT = 4500
PER_BOOK = 160
SEED = 20190918
SPLITS = ("train", "validation", "held_out")
SLURS = re.compile(
    r"\bnigg|\bdark(?:ey|ie)s?\b|\bcoons?\b|\binjun|\bchink|\bjap\b|\bjew", re.IGNORECASE
)
"""Words of their time that no labeler should be shown without need."""

ABBREVIATION = re.compile(r"\b(?:Mrs?|Messrs|Dr|St|Rev|Capt|Col|Gen|Esq|No|[A-Z])\.$")


def split(text: str) -> str:
    """The split the program will put a passage into with its default shares."""
    return split_of(text, held_out_share=0.1, validation_share=0.1)


def sentences(text: str) -> list[str]:
    """Split after . ! ? and closing quotes, but not after titles and initials."""
    found: list[str] = []
    for part in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'])|(?<=[.!?][\"'])\s+(?=[A-Z\"'])", text):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += " " + part
        else:
            found.append(part)
    return found


def passage(paragraph: str) -> str | None:
    """The most whole sentences from the paragraph's start that fit, if they read as narration."""
    kept, words, ends = [], 0, []
    for sentence in sentences(paragraph):
        words += len(sentence.split())
        if words > LONGEST:
            break
        kept.append(sentence)
        ends.append(words)
    text = " ".join(kept)
    reads_well = re.match(r"[A-Z][a-z']* ?[a-z]|[AI] [a-z]", text) and re.search(
        r"[.!?][\"']?$", text
    )
    odd = re.search(r"[\[\]{}<>|*=_\\/#@]|\d{3}", text) or text.count('"') % 2
    can_be_cut = any(end in CUT for end in ends)
    if (
        len(text.split()) < SHORTEST
        or not reads_well
        or odd
        or not can_be_cut
        or SLURS.search(text)
    ):
        return None
    return text


def candidates(texts: Path) -> dict[str, list[dict[str, str]]]:
    """Every passage that could serve, by book."""
    books: dict[str, list[dict[str, str]]] = {}
    seen: set[str] = set()
    for source in (s for s in SOURCES if s.public_domain):
        for line in (texts / f"{source.name}.jsonl").open(encoding="utf8"):
            document = json.loads(line)
            for paragraph in document["paragraphs"]:
                text = passage(paragraph)
                if text and text[:60] not in seen:
                    seen.add(text[:60])
                    book = document["doc"].split(",")[0]
                    books.setdefault(book, []).append({"text": text, "source": document["doc"]})
    return books


def choose(books: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    """A fixed shuffle, with no book allowed to crowd out the others."""
    generator = random.Random(SEED)
    chosen = []
    for _, rows in sorted(books.items()):
        chosen += generator.sample(rows, min(PER_BOOK, len(rows)))
    generator.shuffle(chosen)
    return chosen[:COUNT]


def write(rows: list[dict[str, str]], path: Path) -> None:
    """Write compressed JSON lines; a fixed time stamp keeps the bytes the same from run to run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
    ):
        packed.write("".join(json.dumps(row) + "\n" for row in rows).encode())


def passages(path: Path) -> list[dict[str, str]]:
    """Read what `write` wrote."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    """Write the prompts and print how many fell into each split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder that clean.py filled")
    parser.add_argument("out", type=Path, help="the .jsonl.gz to write")
    arguments = parser.parse_args()
    rows = choose(candidates(arguments.texts))
    write(rows, arguments.out)
    shares = {name: sum(split(row["text"]) == name for row in rows) for name in SPLITS}
    print(len(rows), "passages", shares)


if __name__ == "__main__":
    main()
