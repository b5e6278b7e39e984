"""The cost of labels, in time and money."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.label_types.answers import PREFERENCES

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Pay:
    """How labelers are paid: by the hour, by the label, or both; 0 means not."""

    per_hour: float = 0.0
    per_label: float = 0.0
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Time and money of some labelers' work. Gold and repeated questions count too."""

    n_labels: int
    """Answers with a preference."""
    n_useful: int
    """Of them, those of labelers who are not excluded."""
    n_untimed: int
    """Answers of unknown duration; they count neither as time nor as pay by the hour."""
    hours: float
    money: float
    currency: str
    minutes_per_label: float | None
    money_per_label: float | None
    money_per_useful_label: float | None
    hourly_rate: float | None
    """Money over hours; None without both."""


def cost_of(history: LabelHistory, labelers: Sequence[str], pay: Pay) -> Cost:
    """Return the cost of these labelers' work, checks included."""
    answers = [
        answer
        for name in labelers
        for given in (history.labels_by.get(name, ()), history.checks_by.get(name, ()))
        for answer in given
    ]
    seconds = [history.worked_seconds(answer) for answer in answers]
    timed = [s for s in seconds if not math.isnan(s)]
    counts = {
        name: sum(x.answer in PREFERENCES for x in history.labels_by.get(name, ()))
        for name in labelers
    }
    n_labels = sum(counts.values())
    n_useful = sum(n for name, n in counts.items() if name not in history.excluded)
    hours = sum(timed) / SECONDS_PER_HOUR
    money = pay.per_hour * hours + pay.per_label * len(answers)
    return Cost(
        n_labels=n_labels,
        n_useful=n_useful,
        n_untimed=len(seconds) - len(timed),
        hours=hours,
        money=money,
        currency=pay.currency,
        minutes_per_label=60 * hours / n_labels if n_labels else None,
        money_per_label=money / n_labels if n_labels else None,
        money_per_useful_label=money / n_useful if n_useful else None,
        hourly_rate=money / hours if hours and money else None,
    )
