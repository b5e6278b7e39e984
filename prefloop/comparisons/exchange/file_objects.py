"""The objects of a file with labels; messages say where, what, and what instead."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prefloop.prompts.tables import table_rows
from prefloop.row_files.read import PlacedRow, decoded, read_rows, suffix
from prefloop.text.decoding import text_fault

LARGEST = 2**31 - 1
"""PostgreSQL's INTEGER ends here."""

TABLES = {".csv": ",", ".tsv": "\t"}
"""Files whose rows are lines of cells, with their usual separator."""

WANTED = ("prompt", "chosen", "rejected")
"""Columns by which the separator of a table is known."""

LISTED: dict[type, str] = {str: "texts", int: "whole numbers"}

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class FileObject:
    """A JSON object of a file, with one method per type of field.

    A field that is wrong is added to `problems`, and an empty value is returned for it.
    """

    place: str
    """`line 3`, or `item 3` in a JSON array."""
    fields: dict[str, Any]
    problems: list[str]
    path: str = ""
    """Path of this object within the object of the line: `samples[2].`"""

    def wrong(self, key: str, what: str) -> None:
        """Add a problem with one field."""
        self.problems.append(f"{self.place}: {self.path}{key} {what}")

    def text(self, key: str) -> str:
        """Return a text."""
        value = self._field(key, str, "a text")
        check_texts(self, key)
        return value or ""

    def optional(self, key: str, read: Callable[[str], Value]) -> Value | None:
        """Return `read(key)`, such as `row.text`; None where there is null or nothing."""
        return None if self.fields.get(key) is None else read(key)

    def word(self, key: str, allowed: Sequence[str]) -> Any:
        """Return one of the allowed words."""
        value = self.text(key)
        if isinstance(self.fields.get(key), str) and value not in allowed:
            self.wrong(key, f"is {value!r}; known are {', '.join(allowed)}")
        return value

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self._field(key, int, "a whole number")
        if value is None or abs(value) > LARGEST:
            if value is not None:
                self.wrong(key, f"is {value}; give at most {LARGEST}")
            return 0
        return int(value)

    def index(self, key: str, length: int) -> int:
        """Return a position in a list of `length`."""
        value = self.whole(key)
        if isinstance(self.fields.get(key), int) and not 0 <= value < length:
            self.wrong(key, f"is {value}; there are {length} to choose from, counted from 0")
            return 0
        return value

    def number(self, key: str) -> float:
        """Return a number; null is NaN: not known."""
        if key in self.fields and self.fields[key] is None:
            return math.nan
        value = self._field(key, (int, float), "a number")
        number = finite(value) if value is not None else 0.0
        if number is None:
            self.wrong(key, f"is {_short(value)}; give a finite number, or null")
        return number or 0.0

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.fields.get(key)
        if not isinstance(value, bool):
            self._complain(key, "true or false")
        return value is True

    def values(self, key: str, kind: type[Value]) -> tuple[Value, ...]:
        """Return a list of texts (`str`) or whole numbers (`int`)."""
        noun = f"a list of {LISTED[kind]}"
        values = self._field(key, list, noun) or []
        if any(not isinstance(value, kind) or isinstance(value, bool) for value in values):
            self._complain(key, noun)
            return ()
        check_texts(self, key)
        return tuple(values)

    def inside(self, key: str) -> "FileObject":
        """Return the object under `key`."""
        fields = self._field(key, dict, "an object")
        return self._below(f"{key}.", fields or {}) if fields else self._below(f"{key}.", {}, [])

    def mapping(self, key: str) -> dict[str, Any]:
        """Return the object under `key` as it is; empty where there is null or nothing."""
        if self.fields.get(key) is None:
            return {}
        value = self._field(key, dict, "an object")
        check_texts(self, key)
        return dict(value or {})

    def each(self, key: str) -> list["FileObject"]:
        """Return the objects of the list under `key`."""
        values = self._field(key, list, "a list of objects") or []
        if any(not isinstance(value, dict) for value in values):
            self._complain(key, "a list of objects")
            return []
        return [self._below(f"{key}[{i}].", value) for i, value in enumerate(values)]

    def _field(self, key: str, kind: type | tuple[type, ...], noun: str) -> Any:
        value = self.fields.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            self._complain(key, noun)
            return None
        return value

    def _complain(self, key: str, noun: str) -> None:
        if key in self.fields:
            self.wrong(key, f"is {_short(self.fields[key])}; give {noun}")
        else:
            self.wrong(key, f"is missing; give {noun}")

    def _below(
        self, path: str, fields: dict[str, Any], problems: list[str] | None = None
    ) -> "FileObject":
        # Where the object itself is missing, problems with its fields are dropped.
        return FileObject(
            place=self.place,
            fields=fields,
            problems=self.problems if problems is None else problems,
            path=self.path + path,
        )


def read_objects(path: Path, problems: list[str]) -> Iterator[FileObject]:
    """Yield the rows of a file that are objects, or lines of a table."""
    for place, value in _rows(path, problems):
        if isinstance(value, dict):
            yield FileObject(place=place, fields=value, problems=problems)
        else:
            problems.append(f"{place}: is {_short(value)}; give a JSON object")


def _rows(path: Path, problems: list[str]) -> Iterator[PlacedRow]:
    if suffix(path) not in TABLES:
        yield from read_rows(path, problems)
        return
    text = decoded(path)
    for number, cells in table_rows(text, TABLES[suffix(path)], WANTED, problems):
        yield f"line {number}", cells


def finite(value: Any) -> float | None:
    """Return a value as a number, texts such as "0.5" included; None if it is no finite one.

    >>> finite("0.5"), finite("Infinity"), finite(10**400), finite([])
    (0.5, None, None, None)
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def check_texts(row: FileObject, key: str) -> None:
    """Add a problem if a text under `key` cannot be stored."""
    if (fault := fault_in(row.fields.get(key))) is not None:
        row.wrong(key, fault)


def fault_in(value: Any) -> str | None:
    """Return why a text in a value, however deep, cannot be stored; None if all can be."""
    return next(filter(None, map(text_fault, _texts_in(value))), None)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield every text of a value, keys included."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            waiting += [*inner.keys(), *inner.values()]
        elif isinstance(inner, list | tuple):
            waiting += inner
