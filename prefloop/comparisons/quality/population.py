"""Alarms about all labelers at once: their cause is the page or the known answers, not people."""

from dataclasses import dataclass
from typing import Literal

from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.peers import overall_with_owners
from prefloop.comparisons.quality.position import overall_positions
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, ordinal, percent, share_interval
from prefloop.functional.statistics import Interval, paired_win_rate, wilson


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A problem of the whole run."""

    kind: Literal["flipped", "chance", "position", "rule"]
    """`flipped`: people as a whole choose against the known answers or the owners. `chance`: no
    better than guessing. `position`: everybody favors a position on the page. `rule`: an exclusion
    rule excludes more than it should."""
    level: Literal["stop", "look"]
    """`stop`: stop the run until it is understood; labels may mean their opposite."""
    message: str
    value: float
    interval: Interval | None
    n: int


def population_alarms(history: LabelHistory, thresholds: Thresholds) -> list[Alarm]:
    """Return the alarms about all labelers together."""
    found = [
        _gold_alarm(history, thresholds),
        _owners_alarm(history, thresholds),
        _position_alarm(history, thresholds),
    ]
    return [alarm for alarm in found if alarm is not None]


def key_is_in_doubt(alarms: list[Alarm]) -> bool:
    """Return whether the known answers are in doubt, as the whole population fails them."""
    return any(alarm.kind in ("flipped", "chance") for alarm in alarms)


def _gold_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    """Compare the latest silent gold of all with chance; the latest, to notice a flip early."""
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
        thresholds.grade_confidence,
        labelers=[check.labeler for check in gold],
    )
    chance = sum(1 / history.n_options(check) for check in gold) / len(gold)
    figures = (
        f"{percent(estimate.value)} ({share_interval(*estimate.interval)}) of the latest "
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
    people = {x.labeler for x in table.labels} - history.owners - history.excluded
    if len(people) < thresholds.least_labelers:
        return None
    figures = (
        f"labelers choose as the owners do in {percent(estimate.value)} "
        f"({share_interval(*estimate.interval)}) of {counted(estimate.n, 'common choice')}, where "
        f"guessing gives {percent(chance)}"
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
        message = (
            f"{sentence}: answers mean their opposite, or the known answers do. The cause is the "
            "page, the order or the known answers, not people."
        )
        return Alarm(
            kind="flipped", level="stop", message=message, value=value, interval=interval, n=n
        )
    if interval.low <= chance and interval.high < (1 + chance) / 2:
        message = (
            f"{sentence}: this may be guessing. Check the known answers, and whether answers and "
            "samples still belong together, before you draw conclusions about anybody."
        )
        return Alarm(
            kind="chance", level="look", message=message, value=value, interval=interval, n=n
        )
    return None


def _position_alarm(history: LabelHistory, thresholds: Thresholds) -> Alarm | None:
    found = overall_positions(history)
    if found.p_value >= thresholds.position_q or found.excess <= thresholds.position_excess:
        return None
    share = found.n_favorite / found.n
    return Alarm(
        kind="position",
        level="look",
        message=f"All labelers together chose the {ordinal(found.favorite)} sample shown in "
        f"{percent(share)} of {counted(found.n, 'choice')}, where chance gives "
        f"{percent(found.expected)}: check how the page lays samples out, and whether their order "
        "is random.",
        value=share,
        interval=wilson(found.n_favorite, found.n),
        n=found.n,
    )
