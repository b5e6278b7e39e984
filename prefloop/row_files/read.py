"""The rows of a file, whatever holds them; each says where it stands in the file.

    .parquet .arrow          a table of Apache Arrow; needs the extra `parquet`
    a folder                 what `datasets` saved, or the files of such a table
    anything else            JSON: an object per line, one array, or one object that holds it

A text file may be packed with gzip. What is wrong with single rows is added to `problems`; a file
that cannot be read at all is an InputError.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefloop.errors import InputError
from prefloop.row_files.arrow_rows import arrow_rows, is_arrow
from prefloop.row_files.json_rows import json_rows
from prefloop.text.decoding import decode_file

PlacedRow = tuple[str, Any]
"""Where a row stands, such as `line 3`, and what stands there: for a table, values by column."""


def read_rows(path: Path, problems: list[str]) -> Iterator[PlacedRow]:
    """Yield the rows of a file in its order."""
    if is_arrow(path):
        yield from arrow_rows(path)
        return
    yield from json_rows(path, decoded(path), problems)


def suffix(path: Path) -> str:
    """Return what a file's name ends in, without .gz and in lower case.

    >>> suffix(Path("pairs.JSONL.gz"))
    '.jsonl'
    """
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def decoded(path: Path) -> str:
    """Return a file's text, unpacked and without a byte-order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}. Check the path and who may read it."
        ) from error
    return decode_file(data, str(path), is_packed=path.suffix.lower() == ".gz")
