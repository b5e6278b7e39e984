"""Agreement of labelers with each other and with the owners."""

from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.label_history import ChoiceTable, LabelHistory
from prefloop.figures.text import counted, percent, share_interval
from prefloop.functional.agreement import (
    above_chance,
    agreement_with,
    agreement_with_others,
    pairwise_agreement,
)
from prefloop.functional.statistics import Estimate

Agreements = dict[str, Estimate | None]
"""By labeler; None without a common question."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How often two labels on one question name the same sample."""

    estimate: Estimate
    chance: float
    """Agreement if everybody guessed."""
    above_chance: float
    """0 at chance, 1 at full agreement."""
    message: str


def overall_agreement(history: LabelHistory) -> Agreement | None:
    """Return the agreement of all labelers who are not excluded; None without overlap.

    It is not graded: preferences differ, and good labelers disagree on samples of similar quality.
    Published agreement on two-way comparisons lies between 63 and 77 %.
    """
    table = history.table
    keep = history.is_counted[table.choices.labeler]
    choices = table.choices.where(keep)
    estimate = pairwise_agreement(choices)
    if estimate is None:
        return None
    others = np.bincount(choices.question)[choices.question] - 1
    chance = float((others / table.n_options[keep]).sum() / others.sum())
    message = (
        f"Two labels on one question name the same sample in {percent(estimate.value)} of "
        f"{counted(estimate.n, 'pair')} ({share_interval(*estimate.interval)}); guessing would "
        f"give {percent(chance)}."
    )
    return Agreement(
        estimate=estimate,
        chance=chance,
        above_chance=above_chance(estimate.value, chance),
        message=message,
    )


def agreements_with_others(history: LabelHistory) -> Agreements:
    """Return for each labeler how often the others made the same choice."""
    return _by_name(history.table, history.is_counted)


def agreements_with_owners(history: LabelHistory) -> Agreements:
    """Return for each labeler how often the owners (other than themselves) made the same choice."""
    return _by_name(history.table, history.is_owner)


def overall_with_owners(history: LabelHistory) -> Estimate | None:
    """Return how often labelers make the same choice as the owners; None without overlap."""
    table, is_owner = history.table, history.is_owner
    if not is_owner.any():
        return None
    keep = (history.is_counted | is_owner)[table.choices.labeler]
    choices = table.choices.where(keep)
    return agreement_with(choices, is_owner)


def _by_name(table: ChoiceTable, is_other: np.ndarray) -> Agreements:
    found = agreement_with_others(table.choices, is_other)
    return {name: found[number] for name, number in table.numbers.items()}
