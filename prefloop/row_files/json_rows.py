"""Rows of JSON: an object per line, one array, or one object that holds an array."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefloop.errors import InputError

HOLDERS = ("data", "rows", "records", "items", "examples", "train")
"""Keys under which an object of a whole file holds its rows."""


def json_rows(path: Path, text: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a text of JSON, each with its line or its position in the array."""
    start = text.lstrip()[:1]
    if start == "[":
        yield from _items(_whole(path, text))
    elif start == "{" and (rows := _held(text)) is not None:
        yield from _items(rows)
    else:
        yield from _lines(text, problems)


def _items(values: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(values, start=1):
        yield f"item {number}", value


def _whole(path: Path, text: str) -> list[Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} begins like a JSON array and is none: {error}. Is the file complete?"
        ) from error
    return list(values)


def _held(text: str) -> list[Any] | None:
    """Return the rows of a text that is one object over several lines; None if it is lines."""
    first, _, rest = text.lstrip().partition("\n")
    if not rest.strip() and not any(f'"{holder}"' in first for holder in HOLDERS):
        return None
    try:
        if rest.strip():
            json.loads(first)
            return None  # The first line is a whole object: the file has one per line.
    except (ValueError, RecursionError):
        pass
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for holder in HOLDERS:
        rows = whole.get(holder)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return [whole]


def _lines(text: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: is not JSON ({error}); give one JSON object per line")
            continue
        yield f"line {number}", value
