"""Experiment trackers: every line of the metrics goes to TensorBoard, wandb, ..., by Accelerate.

`metrics.jsonl` is what counts: a tracker that is not installed, not reachable or refuses a line is
named once, and the run goes on without it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker

from prefloop.files import read_json_lines
from prefloop.seeding import stable_id
from prefloop.settings.run import RunConfig
from prefloop.settings.section import by_dotted_key

PROJECT = "prefloop"
"""What trackers that group runs call the group."""
PRIVATE: dict[str, Any] = {"store": True, "comparisons": {"people": True}}
"""Settings that go to no tracker: addresses and keys; a database's address may hold a password."""
PLACES = ("stage", "round", "update", "episodes", "labels")
"""Keys of a line that say which update it is; they are sent as `policy/update` and so on."""


class TrackerFailure(Exception):
    """A tracker raised something of its own; the message is for the user."""


class Trackers:
    """Takes lines of metrics as they are written and sends each with its step.

    The step is the number of the line in `metrics.jsonl`, from 1: it grows through all stages and
    rounds, as wandb asks for, and a resumed run goes on from it. Nothing is opened before the first
    line.
    """

    def __init__(self, config: RunConfig, folder: Path, say: Callable[[str], None]) -> None:
        self._config = config
        self._folder = folder
        self._say = say
        self._waiting: list[str] = list(config.report.trackers)
        self._open: dict[str, GeneralTracker] = {}
        self._step: int | None = None

    def write(
        self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Send a line that was just written to `metrics.jsonl`."""
        if not self._waiting and not self._open:
            return
        self._step = self._n_lines() if self._step is None else self._step + 1
        while self._waiting:
            self._begin(self._waiting.pop(0), self._step)
        values = _values(line)
        for name, tracker in list(self._open.items()):
            self._try(name, partial(tracker.log, values, step=self._step))

    def forget_after(self, stage: str, update: int, round_number: int | None) -> None:
        """Count the lines again: those that were dropped come again, under the same steps."""
        self._step = None

    def finish(self) -> None:
        """Close all trackers; the next line opens them again."""
        for name, tracker in list(self._open.items()):
            self._try(name, tracker.finish)
        self._waiting, self._open, self._step = [*self._waiting, *self._open], {}, None

    def _begin(self, name: str, step: int) -> None:
        """Open a tracker, and give it the settings if this is the run's first line."""

        def begin() -> None:
            tracker = self._tracker(name, step)
            tracker.start()
            if step == 1:
                tracker.store_init_configuration(_plain(self._config))
            self._open[name] = tracker

        self._try(name, begin)

    def _tracker(self, name: str, step: int) -> GeneralTracker:
        kind = LOGGER_TYPE_TO_CLASS[name]
        if name == "tensorboard":
            # Of lines that are made again after a crash, the earlier ones are not shown.
            return kind(name, logging_dir=str(self._folder), purge_step=step)
        if name == "wandb":
            run = self._folder.resolve()
            same = {"id": stable_id("tracker", str(run)), "resume": "allow"}
            return kind(PROJECT, name=run.name, dir=str(self._folder), **same)
        if kind.requires_logging_directory:
            return kind(PROJECT, logging_dir=str(self._folder / name))
        return kind(PROJECT)

    def _try(self, name: str, work: Callable[[], object]) -> None:
        """Do something with a tracker; where it fails, say so and leave it out from now on."""
        try:
            _guarded(name, work)
        except TrackerFailure as failure:
            if (tracker := self._open.pop(name, None)) is not None:
                with suppress(TrackerFailure):
                    _guarded(name, tracker.finish)
            self._say(f"{failure} The run goes on without it; metrics.jsonl holds every number.")

    def _n_lines(self) -> int:
        return len(read_json_lines(self._folder / "metrics.jsonl"))


def _guarded(name: str, work: Callable[[], object]) -> None:
    """Do something with a tracker; whatever it raises becomes a TrackerFailure in clear words."""
    try:
        work()
    except ImportError as error:
        raise TrackerFailure(
            f"report.trackers: {name} is not installed ({error}). Install it with "
            f"`pip install {name.replace('_', '-')}`, or take it out of report.trackers."
        ) from error
    except Exception as error:
        raise TrackerFailure(
            f"report.trackers: {name} failed ({type(error).__name__}: {error}). Is its server "
            "reachable, are you logged in?"
        ) from error


def _values(line: Mapping[str, Any]) -> dict[str, float]:
    """Return a line's numbers by metric, and its place under the name of its stage.

    >>> _values({"stage": "policy", "round": 0, "update": 3, "policy/kl": 0.5})
    {'policy/kl': 0.5, 'policy/round': 0, 'policy/update': 3}
    """
    numbers: dict[str, float] = {key: value for key, value in line.items() if "/" in key}
    place = {key: line[key] for key in PLACES[1:] if isinstance(line.get(key), int)}
    return numbers | {f"{line['stage']}/{key}": value for key, value in place.items()}


def _plain(config: RunConfig) -> dict[str, str | float | bool]:
    """Return the settings under dotted keys, as trackers take them."""
    return {
        key: value if isinstance(value, bool | int | float | str) else str(value)
        for key, value in by_dotted_key(config.model_dump(exclude=PRIVATE))
    }
