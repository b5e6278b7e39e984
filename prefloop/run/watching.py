"""The watch on the policy in a run: what it compares with, and how it stops the run."""

from collections.abc import Callable, Mapping
from typing import Any

from prefloop.audits.held_out import quick_held_out_scorer
from prefloop.audits.watch import WATCH, UpdateWatch
from prefloop.records import REFERENCE
from prefloop.run.monitor import RunMonitor
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


def watch_policy(
    config: RunConfig,
    monitor: RunMonitor,
    *,
    after_update: Callable[[Mapping[str, Any]], None] = lambda line: None,
) -> UpdateWatch:
    """Return the watch of a run; it stops the run as people do, by a stop request.

    `after_update` is given the line of every update.
    """
    return UpdateWatch(
        config,
        reference_texts=lambda: [
            sample.text
            for sample in monitor.store.samples(model=REFERENCE, round=0, purpose="labels")
        ],
        say=monitor.say,
        ask_stop=lambda reason: _pull(monitor.store, reason),
        held_out=quick_held_out_scorer(config),
        after_update=after_update,
    )


def release_own_stop(config: RunConfig, monitor: RunMonitor) -> None:
    """Release the watch's own stop request where the run no longer asks for such stops.

    One to which a person has added a reason stays: that is for the owner to decide.
    """
    requests = monitor.store.stop_requests
    active = requests.active()
    if config.audits.on_alarm != "warn" or active is None or active.pulled_by != WATCH:
        return
    if any(by != WATCH for by in requests.added_by(active.id)):
        return
    requests.release(active.id, WATCH, "audits.on_alarm is `warn` now", "resume")
    monitor.say(f"audits.on_alarm is `warn` now: the stop of {WATCH} is released.")


def _pull(store: Store, reason: str) -> None:
    store.stop_requests.pull(WATCH, reason)
