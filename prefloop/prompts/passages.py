"""Passages, as they stand in a prompt file: before any rule of a task."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One text of a prompt file, with where it came from.

    >>> Passage(text="Call me Ishmael.", source="Moby Dick").reference is None
    True
    """

    text: str
    source: str
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class PassageFile:
    """Everything a prompt file holds."""

    passages: list[Passage]
    n_empty: int
    """Rows without text; they are left out."""
