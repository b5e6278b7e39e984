"""The verdict as one sentence that claims no more than the figures hold."""

import math
from typing import Any

from prefloop.evaluation.judge import describe
from prefloop.settings.task import TaskConfig


def verdict_sentence(figures: dict[str, Any], task: TaskConfig) -> str:
    """Return the result in one sentence: who judged, how often, how sure, at what KL.

    "Prefers" is only said of the tuned model if the whole interval lies above one half, of the
    reference if it lies below; anything else is "no better".
    """
    win_rate = figures.get("win_rate")
    kl = figures.get("kl")
    if not win_rate:
        why = figures.get("missing", {}).get("win_rate", "there are no verdicts")
        moved = f" Its KL from the reference is {kl['value']:.1f} nats." if kl else ""
        return f"Whether the tuned model is better at “{task.name}” was not judged: {why}.{moved}"
    distance = f", at a KL of {kl['value']:.1f} nats" if kl else ""
    judge = f"The held-out judge ({describe(win_rate['judge'])})"
    rate = win_rate["rate"]
    prompts = _prompts(rate["n_clusters"])
    if rate["low"] > 0.5:
        return (
            f"{judge} prefers the tuned model on {_percent(rate['value'])} of {prompts} "
            f"({_interval(rate)}){distance}."
        )
    if rate["high"] < 0.5:
        return (
            f"{judge} finds the tuned model worse: it prefers the reference on "
            f"{_percent(1 - rate['value'])} of {prompts} ({_interval(_mirror(rate))}){distance}."
        )
    return (
        f"{judge} finds the tuned model no better: it is preferred on {_percent(rate['value'])} of "
        f"{prompts}, and the {_interval(rate)} holds 50 %{distance}."
    )


def _mirror(rate: dict[str, Any]) -> dict[str, Any]:
    return rate | {"low": 1 - rate["high"], "high": 1 - rate["low"]}


def _prompts(n: int) -> str:
    return f"{n:,} held-out prompt{'' if n == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(row: dict[str, Any]) -> str:
    """Return an interval rounded outward: it never looks narrower than it is.

    Whole percent, with a decimal where rounding would put one half inside an interval that does
    not hold it.
    """
    low, high = 100 * row["low"], 100 * row["high"]
    ends = f"{math.floor(low)}–{math.ceil(high)}"
    if 50 < low < 51 or 49 < high < 50:
        ends = f"{math.floor(10 * low) / 10:.1f}–{math.ceil(10 * high) / 10:.1f}"
    return f"{100 * row['confidence']:.0f} % interval {ends} %"
