"""Rows of a table in text: the first line names the columns, every cell is a text."""

import csv
import io
from collections.abc import Iterator

LARGEST_CELL = 2**31 - 1
"""Python's reader refuses cells of more than 131072 characters unless it is told."""


def csv_rows(
    text: str, separator: str, problems: list[str]
) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Yield the rows, each with the line on which it ends; a cell that is not there is None."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if None in row:
                problems.append(
                    f"line {reader.line_num}: {len(row[None])} more cells than there are columns; "
                    'put text that holds the separator in "quotes"'
                )
            yield f"line {reader.line_num}", {k: v for k, v in row.items() if k is not None}
    except csv.Error as error:
        hint = "; is a quotation mark not closed?" if "end of data" in str(error) else ""
        problems.append(f"after line {reader.line_num}: {error}{hint}")
