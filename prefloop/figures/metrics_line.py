"""One line of `metrics.jsonl`: one update of the reward model or of the policy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from prefloop.errors import InputError
from prefloop.figures.repetition import PhraseFigures

RENAMED_METRICS = {
    "policy/kl_gained": "policy/kl_increase",
    "policy/way_back": "policy/kl_cap_weight",
}
"""Names in the metrics of earlier runs, and what they are called now."""

FIRST_METHOD = "ppo"
"""The method of policy lines that name none: there was no other."""


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


def read_line(line: Mapping[str, Any], place: str = "metrics.jsonl") -> MetricsLine:
    """Return a line of metrics; InputError naming `place` if it is none."""
    for key, kind in (("stage", str), ("round", int), ("update", int)):
        if not isinstance(line.get(key), kind):
            raise InputError(
                f"{place} has a line whose {key} is {line.get(key)!r}; it must be a "
                f"{'word' if kind is str else 'whole number'}. Delete that line: the next update "
                "goes on from the checkpoint, not from this file."
            )
    numbers = {
        RENAMED_METRICS.get(key, key): float(value)
        for key, value in line.items()
        if "/" in key and isinstance(value, int | float)
    }
    return MetricsLine(
        stage=line["stage"],
        round=line["round"],
        update=line["update"],
        values={key: value for key, value in numbers.items() if math.isfinite(value)},
        method=str(line.get("method", FIRST_METHOD)),
        episodes=int(line.get("episodes", 0)),
        labels=line.get("labels"),
        reward_round=line.get("reward_round"),
        risen_words=_words(line.get("risen_words", []), place),
        top_opening=str(line.get("top_opening", "")),
        not_finite=tuple(key for key, value in numbers.items() if not math.isfinite(value)),
    )


def _words(rows: Sequence[Mapping[str, Any]], place: str) -> tuple[PhraseFigures, ...]:
    try:
        return tuple(PhraseFigures.model_validate(row) for row in rows)
    except ValidationError as error:
        raise InputError(
            f"{place} has a line whose risen_words cannot be read ({error.errors()[0]['msg']}). "
            "Delete that line: the next update goes on from the checkpoint, not from this file."
        ) from error
