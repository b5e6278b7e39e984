"""The alarms of a run with the samples that its updates logged."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.audits.raised import raised_alarms
from prefloop.figures.metrics_line import MetricsLine
from prefloop.figures.watch import RaisedAlarm
from prefloop.settings.policy import PolicyConfig
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class ShownAlarms:
    """What an update raised, beside some of its responses."""

    update: int
    alarms: tuple[RaisedAlarm, ...]
    samples: tuple[Mapping[str, Any], ...]
    """`prompt`, `response`, `score` and `kl` of each; empty where the store has none."""


def shown_alarms(
    store: Store, metrics: Sequence[MetricsLine], policy: PolicyConfig
) -> list[ShownAlarms]:
    """Return every update of a run that raised an alarm, oldest first."""
    raised = raised_alarms(metrics, policy)
    updates = sorted({alarm.update for alarm in raised})
    logged = _logged_samples(store, updates)
    return [
        ShownAlarms(
            update=update,
            alarms=tuple(alarm for alarm in raised if alarm.update == update),
            samples=logged.get(update, ()),
        )
        for update in updates
    ]


def _logged_samples(
    store: Store, wanted: Collection[int]
) -> dict[int, tuple[Mapping[str, Any], ...]]:
    """Return the samples that the store keeps of these updates."""
    found: dict[int, tuple[Mapping[str, Any], ...]] = {}
    number, missing = 0, set(wanted)
    while missing and (page := store.updates.after(number)):
        number = page[-1].number
        here = [u for u in page if u.stage == "policy" and u.update in missing]
        found |= {u.update: u.samples for u in here}
        missing -= set(found)
    return found
