"""Which alarms a run raises: each once per round and level, at the update where it began."""

from collections.abc import Iterable

from prefloop.audits.alarm_rules import Records
from prefloop.audits.alarms import ALARMS
from prefloop.figures.metrics_line import MetricsLine
from prefloop.figures.watch import RaisedAlarm
from prefloop.settings.policy import PolicyConfig

Announced = set[tuple[int, str, str]]
"""Round, name and level of the alarms that were raised."""


def newly_raised(records: Records, policy: PolicyConfig, announced: Announced) -> list[RaisedAlarm]:
    """Return what the newest update raises first in its round; `announced` takes it up."""
    raised, last = [], records[-1]
    for alarm in ALARMS:
        reading = alarm.rule(records, policy)
        if reading.level not in ("warn", "stop"):
            continue
        if (last.round, alarm.name, reading.level) in announced:
            continue
        levels = ("warn", "stop") if reading.level == "stop" else ("warn",)
        announced |= {(last.round, alarm.name, level) for level in levels}
        raised.append(
            RaisedAlarm(
                name=alarm.name,
                level=reading.level,
                round=last.round,
                update=last.update,
                message=reading.message,
                threshold=alarm.threshold,
                source=alarm.source,
                action=alarm.action,
            )
        )
    return raised


def raised_alarms(
    lines: Iterable[MetricsLine], policy: PolicyConfig, announced: Announced | None = None
) -> list[RaisedAlarm]:
    """Return every alarm of a run in order, each once per round and level."""
    records = [line for line in lines if line.stage == "policy"]
    announced = set() if announced is None else announced
    return [
        raised
        for i in range(len(records))
        for raised in newly_raised(records[: i + 1], policy, announced)
    ]
