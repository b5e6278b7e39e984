"""Rows of a table in a text file: cells with a separator between them, names in the first line.

Spreadsheets write commas, semicolons or tabs, by the country that they were told. So the first line
decides: it is read with the separator that finds the wanted columns.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

NumberedRow = tuple[int, dict[str, Any]]
"""A line number of the file, from 1, and what stands there by column."""

SEPARATORS = (",", ";", "\t", "|")

LONGEST_HEADER = 2**20
"""Characters in which the first line is looked for."""

_DECLARED = re.compile(r'"?sep=([^\w\s"]|\t)"?\r?\n')
"""The line by which a spreadsheet says its separator."""


def table_rows(
    text: str, usual: str, wanted: Collection[str], problems: list[str]
) -> Iterator[NumberedRow]:
    """Yield the rows of a table whose first line names its columns.

    The separator is the one that the file declares or that splits the first line into the
    `wanted` columns, else `usual`. What is wrong is added to `problems`.
    """
    declared = _DECLARED.match(text)
    body = text[declared.end() :] if declared else text
    before = complete = 1 if declared else 0
    separator = declared[1] if declared else _separator(body, usual, wanted)
    with _cells_of_any_length(text):
        reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
        try:
            columns = [name.strip() for name in next(reader, [])]
            problems.extend(_repeated(columns, wanted))
            complete = before + reader.line_num
            for cells in reader:
                complete = before + reader.line_num
                if not cells:
                    continue
                if len(cells) > len(columns):
                    problems.append(
                        f"line {complete}: {len(cells) - len(columns)} more cells than there are "
                        'columns; put text that holds the separator in "quotes"'
                    )
                yield complete, dict.fromkeys(columns) | dict(zip(columns, cells, strict=False))
        except csv.Error as error:
            hint = "; is a quotation mark not closed?" if "end of data" in str(error) else ""
            problems.append(f"after line {complete}: {error}{hint}")


def holds_separator(name: str) -> bool:
    """Whether a column's name looks like several that another separator would part."""
    return any(separator in name for separator in (*SEPARATORS, ":"))


def _separator(text: str, usual: str, wanted: Collection[str]) -> str:
    candidates = list(dict.fromkeys([usual, *SEPARATORS]))
    headers = {separator: _header(text, separator) for separator in candidates}
    with_wanted = [s for s in candidates if set(wanted) <= set(headers[s])]
    with_several = [s for s in candidates if len(headers[s]) > 1]
    return [*with_wanted, *with_several, usual][0]


def _header(text: str, separator: str) -> list[str]:
    with _cells_of_any_length(text):
        beginning = io.StringIO(text[:LONGEST_HEADER], newline="")
        reader = csv.reader(beginning, delimiter=separator, strict=True)
        try:
            return [name.strip() for name in next(reader, [])]
        except csv.Error:
            return []


def _repeated(columns: list[str], wanted: Collection[str]) -> list[str]:
    twice = [name for name in wanted if columns.count(name) > 1]
    return [f"line 1: the column {name!r} is there twice; rename one of them" for name in twice]


@contextmanager
def _cells_of_any_length(text: str) -> Iterator[None]:
    """Let a cell be as long as the text; Python's limit is one for the whole process."""
    earlier = csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        yield
    finally:
        csv.field_size_limit(earlier)
