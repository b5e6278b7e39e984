"""Minutes and money, worked by hand."""

import math

import numpy as np

from prefloop.comparisons.quality.cost import Pay, cost_of
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.teamwork import AnswerTimes
from tests.known import known
from tests.tolerances import FP64
from tests.unit.comparisons.quality.answers import check, label

LABELS = [
    label("a", "ann", 0, seconds=30.0),
    label("b", "ann", answer="tie", seconds=30.0),
    label("c", "ann", answer="skip", seconds=15.0),
    label("a", "bob", 0, seconds=60.0),
    label("b", "bob", 0, seconds=math.nan),
]
CHECKS = [check("g", "ann", True, seconds=45.0)]
EVIDENCE = LabelHistory(labels=LABELS, checks=CHECKS, excluded=frozenset({"bob"}))


def test_time_and_pay_by_the_hour() -> None:
    """Skips and checks take time that is paid; a label of unknown duration is counted apart."""
    cost = cost_of(EVIDENCE, ["ann", "bob"], Pay(per_hour=18.0, currency="EUR"))
    assert (cost.n_labels, cost.n_useful, cost.n_untimed, cost.currency) == (4, 2, 1, "EUR")
    np.testing.assert_allclose(cost.hours, 180 / 3600, **FP64)
    np.testing.assert_allclose(cost.money, 0.9, **FP64)
    assert cost.minutes_per_label == 3.0 / 4
    assert cost.money_per_label == 0.9 / 4
    assert cost.money_per_useful_label == 0.9 / 2
    np.testing.assert_allclose(known(cost.hourly_rate), 18.0, **FP64)


def test_pay_by_the_label_gives_an_hourly_rate() -> None:
    """Four answers of 120 seconds at 0.2: 24 an hour."""
    cost = cost_of(EVIDENCE, ["ann"], Pay(per_label=0.2))
    np.testing.assert_allclose([known(cost.money), known(cost.hourly_rate)], [0.8, 24.0], **FP64)


def test_unpaid_and_unknown() -> None:
    cost = cost_of(EVIDENCE, ["nobody"], Pay())
    assert (cost.n_labels, cost.hours, cost.money) == (0, 0.0, 0.0)
    assert cost.minutes_per_label is cost.money_per_label is cost.hourly_rate is None


def test_the_servers_time_is_what_counts() -> None:
    times = {"a-ann": AnswerTimes(worked_seconds=12.0, held_seconds=40.0, active_seconds=3600.0)}
    history = LabelHistory(labels=LABELS[:1], times=times)
    np.testing.assert_allclose(cost_of(history, ["ann"], Pay()).hours, 12 / 3600, **FP64)
