"""Rows with prompts from what is neither lines nor a table of text.

JSON arrays, tables of Apache Arrow and folders that `datasets` saved, as `prefloop import` reads
them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefloop.row_files.arrow_rows import is_arrow
from prefloop.row_files.read import read_rows, suffix

PlacedCells = tuple[str, dict[str, Any]]
"""Where a row stands, such as `line 3` or `item 3`, and what stands there by column."""


SHOWN = 40
"""Characters of a value that a problem shows."""


def is_row_file(path: Path) -> bool:
    """Whether a prompt file is read here."""
    return is_arrow(path) or suffix(path) == ".json"


def row_file_rows(path: Path, column: str, problems: list[str]) -> Iterator[PlacedCells]:
    """Yield the rows, each with its place; a text alone stands in `column`, others are problems."""
    for place, value in read_rows(path, problems):
        if isinstance(value, dict):
            yield place, value
        elif isinstance(value, str):
            yield place, {column: value}
        else:
            problems.append(
                f"{place}: is no object with keys and no text; found {repr(value)[:SHOWN]}"
            )
