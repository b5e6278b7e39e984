"""One line of `metrics.jsonl`: one update of the reward model or of the policy."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prefloop.errors import InputError
from prefloop.figures.repetition import PhraseFigures
from prefloop.figures.text import counted

RENAMED_METRICS = {
    "policy/kl_gained": "policy/kl_increase",
    "policy/way_back": "policy/kl_cap_weight",
}
"""Names in the metrics of earlier runs, and what they are called now."""

FIRST_METHOD = "ppo"
"""The method of policy lines that name none: there was no other."""

NEEDED_FIELDS = ("stage", "round", "update")
WORDS = ("stage", "method", "top_opening")
COUNTS = ("round", "update", "episodes", "labels", "reward_round")
"""Fields that are texts, and those that are whole numbers."""

LARGEST_COUNT = 2**53
"""Up to which a float holds every whole number."""

SHOWN_PROBLEMS, SHOWN_CHARACTERS = 5, 40
"""How many lines a message names, and how much of a value."""

WAY_OUT = (
    "prefloop writes this file: put back a backup of it. Without one delete what cannot be read: "
    "report, audits and doctor then do without; the run goes on if its checkpoint is from before "
    "that line, and otherwise says what is missing."
)


@dataclass(frozen=True, kw_only=True)
class MetricsLine:
    """The numbers of one update.

    >>> read_line({"stage": "policy", "round": 0, "update": 3, "policy/kl": 0.5}).values
    {'policy/kl': 0.5}
    """

    stage: str
    """`rewards` or `policy`."""
    round: int
    """Turn of the loop, from 0."""
    update: int
    """Of a policy counted over the whole run, of a reward model over its training, from 1."""
    values: Mapping[str, float]
    """The finite ones, by metric, such as `policy/kl`."""
    method: str = FIRST_METHOD
    """Of the stage `policy`: which method made the update."""
    episodes: int = 0
    """Responses that the policy has learned from."""
    labels: int | None = None
    """Questions that the reward model has learned from, each with all its labels."""
    reward_round: int | None = None
    """The round whose reward model scored the update, where it is not the update's own."""
    risen_words: tuple[PhraseFigures, ...] = ()
    """Words whose share of the newest answers rose most since before training, most first."""
    top_opening: str = ""
    """The commonest first three words of the update's responses; empty where each stands once."""
    not_finite: tuple[str, ...] = ()
    """Metrics that were NaN or infinite."""


def checked_lines(lines: Sequence[tuple[int, dict[str, Any]]], place: Path) -> list[dict[str, Any]]:
    """Return the lines of the metrics file at `place` as they stand; each comes with its number.

    InputError with the number of each that cannot be read.
    """
    found = [(number, problem) for number, line in lines if (problem := _problem(line))]
    if found:
        shown = [f"line {number}: {problem}" for number, problem in found[:SHOWN_PROBLEMS]]
        if len(found) > SHOWN_PROBLEMS:
            shown.append(f"and {len(found) - SHOWN_PROBLEMS} more")
        head = f"{place} has {counted(len(found), 'line')} that cannot be read:"
        raise InputError("\n".join([head, *(f"  - {each}" for each in shown), WAY_OUT]))
    return [line for _, line in lines]


def read_line(line: Mapping[str, Any], place: str = "metrics.jsonl") -> MetricsLine:
    """Return a line of metrics; InputError naming `place` if it is none."""
    if (problem := _problem(line)) is not None:
        raise InputError(f"{place} has a line that cannot be read: {problem}. {WAY_OUT}")
    return _record(line)


def _record(line: Mapping[str, Any]) -> MetricsLine:
    there = {key: value for key, value in line.items() if value is not None}
    numbers = {
        RENAMED_METRICS.get(key, key): float(value) for key, value in there.items() if "/" in key
    }
    return MetricsLine(
        stage=there["stage"],
        round=there["round"],
        update=there["update"],
        values={key: value for key, value in numbers.items() if math.isfinite(value)},
        method=there.get("method", FIRST_METHOD),
        episodes=there.get("episodes", 0),
        labels=there.get("labels"),
        reward_round=there.get("reward_round"),
        risen_words=tuple(map(PhraseFigures.model_validate, there.get("risen_words", ()))),
        top_opening=there.get("top_opening", ""),
        not_finite=tuple(key for key, value in numbers.items() if not math.isfinite(value)),
    )


def _problem(line: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a line, the first of it; None if it can be read."""
    there = {key: value for key, value in line.items() if value is not None}
    if missing := [key for key in NEEDED_FIELDS if key not in there]:
        return f"{missing[0]} is missing"
    for key, value in there.items():
        if key in WORDS and not isinstance(value, str):
            return f"{key} must be a text, got {_shown(value)}"
        if key in COUNTS and not _is_count(value):
            return f"{key} must be a whole number from 0 on, got {_shown(value)}"
        if "/" in key and not _is_number(value):
            return f"{key} must be a number, got {_shown(value)}"
    return _words_problem(there.get("risen_words", []))


def _words_problem(rows: Any) -> str | None:
    if not isinstance(rows, list):
        return f"risen_words must be a list, got {_shown(rows)}"
    try:
        for row in rows:
            PhraseFigures.model_validate(row)
    except ValidationError as error:
        return f"risen_words cannot be read ({error.errors()[0]['msg']})"
    return None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_COUNT


def _is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold; NaN and infinity are counted elsewhere."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def _shown(value: Any) -> str:
    """Return a value as a message shows it, cut off where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
