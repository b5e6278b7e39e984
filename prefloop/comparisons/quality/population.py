"""What is wrong with everybody at once is wrong with the page or the key, not with people."""

from dataclasses import dataclass
from typing import Literal

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_with_owners
from prefloop.comparisons.quality.position import overall_places
from prefloop.comparisons.quality.sentences import counted, ordinal, percent, span
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.statistics import Interval, paired_win_rate, wilson


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something that concerns the whole run."""

    kind: Literal["flipped", "chance", "place", "rule"]
    """`flipped`: people as a whole choose against the key or the researchers. `chance`: no better
    than by chance. `place`: everybody favors a place on the page. `rule`: an exclusion rule keeps
    out more than it should."""
    level: Literal["stop", "look"]
    """`stop`: pull the cord until it is understood; labels may mean their opposite."""
    told: str
    value: float
    interval: Interval | None
    n: int


def population_alarms(history: LabelHistory, thresholds: Thresholds) -> list[Alarm]:
    """Return what is wrong with all labelers together; empty if nothing is known to be."""
    found = [
        _gold_alarm(history, thresholds),
        _owners_alarm(history, thresholds),
        _place_alarm(history, thresholds),
    ]
    return [alarm for alarm in found if alarm is not None]


def key_is_in_doubt(alarms: list[Alarm]) -> bool:
    """Return whether people cannot be judged by gold, as the whole population fails it."""
    return any(alarm.kind in ("flipped", "chance") for alarm in alarms)


def _gold_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    """Compare the latest silent gold of all with chance; the latest, so that a flip shows soon."""
    known = [
        check
        for check in history.checks
        if check.kind == "gold" and check.is_right is not None and history.n_options(check) > 1
    ]
    gold = [c for c in known if c.labeler not in history.excluded][-thresholds.recent_gold :]
    people = {check.labeler for check in gold}
    if len(gold) < thresholds.least_gold or len(people) < thresholds.least_labelers:
        return None
    estimate = paired_win_rate(
        [float(bool(check.is_right)) for check in gold],
        [check.comparison_id for check in gold],
        thresholds.verdict_confidence,
        labelers=[check.labeler for check in gold],
    )
    chance = sum(1 / history.n_options(check) for check in gold) / len(gold)
    figures = (
        f"{percent(estimate.value)} ({span(estimate.interval)}) of the latest "
        f"{counted(len(gold), 'gold answer')} by {len(people)} people are right, where guessing "
        f"gives {percent(chance)}"
    )
    return _alarm(figures, estimate.value, estimate.interval, len(gold), chance)


def _owners_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    estimate = overall_with_owners(history)
    if estimate is None or estimate.n < thresholds.least_gold:
        return None
    table = history.table
    chance = float((1 / table.n_options).mean())
    people = {x.labeler for x in table.rows} - history.owners - history.excluded
    if len(people) < thresholds.least_labelers:
        return None
    figures = (
        f"labelers choose as the researchers do in {percent(estimate.value)} "
        f"({span(estimate.interval)}) of {counted(estimate.n, 'common choice')}, where guessing "
        f"gives {percent(chance)}"
    )
    if estimate.interval.high >= chance:
        return None
    return _alarm(figures, estimate.value, estimate.interval, estimate.n, chance)


def _alarm(
    figures: str,
    value: float,
    interval: Interval,
    n: int,
    chance: float,
) -> Alarm | None:
    sentence = figures[0].upper() + figures[1:]
    if interval.high < chance:
        told = (
            f"{sentence}: answers mean their opposite, or the key does. This is a fault of the "
            "page, the order or the key, not of people."
        )
        return Alarm(kind="flipped", level="stop", told=told, value=value, interval=interval, n=n)
    if interval.low <= chance and interval.high < (1 + chance) / 2:
        told = (
            f"{sentence}: people as a whole cannot be told from guessing. See the key, and whether "
            "answers and samples have lost each other, before anybody is judged."
        )
        return Alarm(kind="chance", level="look", told=told, value=value, interval=interval, n=n)
    return None


def _place_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    places = overall_places(history)
    if places.p_value >= thresholds.place_q or places.excess <= thresholds.place_excess:
        return None
    share = places.n_favorite / places.n
    return Alarm(
        kind="place",
        level="look",
        told=f"All labelers together chose the {ordinal(places.favorite)} sample shown in "
        f"{percent(share)} of {counted(places.n, 'choice')}, where {percent(places.expected)} is "
        "even: see how the page lays samples out, and whether the order is drawn anew.",
        value=share,
        interval=wilson(places.n_favorite, places.n),
        n=places.n,
    )
