"""The problems of a file; those of one kind are reported once, with their number and places."""

import re
from collections.abc import Sequence
from pathlib import Path

from prefloop.errors import InputError, listing

SHOWN = 20
"""Kinds of problems that are listed; of the rest only the number is given."""

PLACES = 3
"""Places that are named for problems of one kind."""

FOUND = re.compile(r" is (?!missing).+?; | \(.*?\)|\b[0-9a-f]{16,}\b|\d+")
"""What differs between two problems of one kind: the value that was found, an id, a number."""


def import_error(path: Path, problems: Sequence[str]) -> InputError:
    """Return the error that says why no label of a file was stored."""
    return file_error(path, problems, "nothing was stored")


def file_error(path: Path, problems: Sequence[str], outcome: str) -> InputError:
    """Return the error that lists the problems of a file, each `place: what`, and their outcome."""
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(_kind(problem), []).append(problem)
    lines = [_line(alike) for alike in kinds.values()]
    rest = sum(len(alike) for alike in list(kinds.values())[SHOWN:])
    shown = [*lines[:SHOWN], *([f"... and {rest} more"] if rest else [])]
    text = listing(str(path), shown).split("\n", 1)[1]
    noun = "problem" if len(problems) == 1 else "problems"
    return InputError(f"{path} has {len(problems)} {noun}; {outcome}:\n{text}")


def _kind(problem: str) -> str:
    """Return a problem without its place and without the value that was found.

    >>> _kind("line 3: chosen is 7; give a text") == _kind("line 4: chosen is [8]; give a text")
    True
    """
    _, _, what = problem.partition(": ")
    return FOUND.sub(" _ ", what)


def _line(alike: Sequence[str]) -> str:
    """Say one problem as it is, and of several the first with the places of the others.

    >>> _line([f"line {n}: chosen is missing; give a text" for n in range(2, 1002)])
    'line 2: chosen is missing; give a text (1000 lines: 2, 3, 4 and 997 more)'
    """
    if len(alike) == 1:
        return alike[0]
    places = [problem.partition(": ")[0] for problem in alike]
    noun = places[0].split()[0]
    numbers = ", ".join(place.removeprefix(f"{noun} ") for place in places[:PLACES])
    rest = len(places) - PLACES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{alike[0]} ({len(alike)} {noun}s: {numbers}{more})"
