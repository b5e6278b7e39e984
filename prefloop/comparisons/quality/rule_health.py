"""How much each exclusion rule excludes, and an alarm for one that suddenly excludes more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from prefloop.comparisons.quality.population import Alarm
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, percent
from prefloop.functional.statistics import wilson
from prefloop.label_types.answers import PREFERENCES
from prefloop.teamwork import Exclusion, Person, Tally

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86400.0
N_DAYS = 7
LEAST_LABELS = 20
"""Fewest labels in the last 24 hours from which a share is reported."""
LEAST_DAYS = 3
"""Fewest earlier days with labels from which a median is used."""


@dataclass(frozen=True, kw_only=True)
class RuleHealth:
    """How much one rule excludes, day by day."""

    name: str
    n_labelers: int
    """Excluded now."""
    n_labels: int
    """Their live labels."""
    shares: tuple[float | None, ...]
    """Share of each day's labels that it excluded: the last 24 hours first, then the seven days
    before. None for a day without labels."""
    status: Literal["fine", "alarm", "not enough evidence"]
    message: str


def rule_health(
    rules: Sequence[Exclusion], tallies: Sequence[Tally], *, now: float, thresholds: Thresholds
) -> list[RuleHealth]:
    """Return for each rule the share of labels that it excludes, and whether that is an alarm.

    A day's labels count as excluded if the rule applies to their labeler when the day ends.
    Alarm: more than a fifth of the last 24 hours, or three times the median of the week before.
    """
    days = [now - day * SECONDS_PER_DAY for day in range(N_DAYS + 1)]
    by_day = [_labels_by(tallies, end) for end in days]
    found = []
    for name in sorted({rule.name for rule in rules}):
        own = [rule for rule in rules if rule.name == name]
        # Whether it is in force now does not hang on a clock that may have been set back.
        in_force = [rule for rule in own if rule.undone_at is None]
        before = [_in_force(own, end) for end in days[1:]]
        excluded = [{rule.labeler for rule in in_force}, *before]
        shares = tuple(_share(names, n) for names, n in zip(excluded, by_day, strict=True))
        status, message = _status(shares, sum(by_day[0].values()), thresholds)
        found.append(
            RuleHealth(
                name=name,
                n_labelers=len({rule.labeler for rule in in_force}),
                n_labels=sum(rule.n_labels for rule in in_force),
                shares=shares,
                status=status,
                message=message,
            )
        )
    return found


def rule_alarms(health: Sequence[RuleHealth]) -> list[Alarm]:
    """Return an alarm for each rule that excludes too much."""
    return [
        Alarm(
            kind="rule",
            level="look",
            message=f"Rule “{rule.name}”: {rule.message}",
            value=rule.shares[0] or 0.0,
            interval=None,
            n=rule.n_labels,
        )
        for rule in health
        if rule.status == "alarm"
    ]


def introduction_alarm(people: Sequence[Person], thresholds: Thresholds) -> Alarm | None:
    """Return an alarm if most of those who answered the whole introduction failed it.

    It is the one rule that excludes by itself, and mostly people without a label, of whom a share
    of the labels says nothing. Who was let through has passed.
    """
    results = [p.qualification for p in people if p.qualification is not None]
    failed = results.count("failed")
    if failed < thresholds.least_labelers or failed <= thresholds.introduction_share * len(results):
        return None
    return Alarm(
        kind="rule",
        level="look",
        message=f"Rule “introduction not passed”: {failed} of {len(results)} people failed: are "
        "its known answers right? Let through who did nothing wrong.",
        value=failed / len(results),
        interval=wilson(failed, len(results)),
        n=len(results),
    )


def _status(
    shares: tuple[float | None, ...], n: int, thresholds: Thresholds
) -> tuple[Literal["fine", "alarm", "not enough evidence"], str]:
    today = shares[0]
    if today is None or n < LEAST_LABELS:
        return "not enough evidence", f"{counted(n, 'label')} in the last 24 hours."
    message = f"excludes {percent(today)} of the last 24 hours' {counted(n, 'label')}"
    before = [share for share in shares[1:] if share is not None]
    if today > thresholds.rule_share:
        return "alarm", f"{message}, more than {percent(thresholds.rule_share)}: is the rule right?"
    usual = median(before) if len(before) >= LEAST_DAYS else None
    if usual is None:
        return "fine", f"{message}; too few earlier days to compare with."
    if today > thresholds.rule_floor and today > thresholds.rule_factor * usual:
        return (
            "alarm",
            f"{message}, where {percent(usual)} was usual in the week before: what changed?",
        )
    return "fine", f"{message}; {percent(usual)} is usual."


def _labels_by(tallies: Sequence[Tally], end: float) -> dict[str, int]:
    """Count each labeler's labels of the 24 hours before `end`, in whole hours."""
    found: dict[str, int] = {}
    for tally in tallies:
        start = tally.hour * SECONDS_PER_HOUR
        if end - SECONDS_PER_DAY <= start < end:
            n = sum(tally.n.get(answer, 0) for answer in PREFERENCES)
            found[tally.labeler] = found.get(tally.labeler, 0) + n
    return found


def _in_force(rules: Sequence[Exclusion], at: float) -> set[str]:
    return {rule.labeler for rule in rules if _is_in_force(rule, at)}


def _is_in_force(rule: Exclusion, at: float) -> bool:
    return rule.applied_at <= at and (rule.undone_at is None or rule.undone_at > at)


def _share(excluded: set[str], labels: Mapping[str, int]) -> float | None:
    total = sum(labels.values())
    return sum(labels.get(name, 0) for name in excluded) / total if total else None
