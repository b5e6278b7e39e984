"""The tasks that come with prefloop, and how a run file changes one of them."""

import copy
import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prefloop.errors import SettingsError, listing
from prefloop.settings.section import problem_lines
from prefloop.settings.task import END_OF_TEXT, TaskConfig, is_chat

FOLDER = Path(__file__).parent / "tasks"


JUDGES = {"sentiment": ["lexicon"], "descriptiveness": ["imagery"]}
"""Who judges a task where a run file does not say. For other tasks no scorer here knows what is
better: they are not judged until people, a language model or a scorer of the user's is named."""

SCORERS = {"sentiment": {"sentiment": 1.0}, "descriptiveness": {"descriptiveness": 1.0}}
"""What synthetic labelers of a task prefer where a run file does not say."""


def with_task_defaults(sections: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return a run file's sections with the judges and synthetic labelers of its task.

    What a run file says stays as it is, and so does what is no section.

    >>> with_task_defaults({}, "descriptiveness")["evaluation"]
    {'judges': ['imagery']}
    >>> with_task_defaults({"evaluation": {"judges": ["length"]}}, "sentiment")["evaluation"]
    {'judges': ['length']}
    """
    found = dict(sections)
    evaluation, comparisons = found.get("evaluation", {}), found.get("comparisons", {})
    if isinstance(evaluation, dict):
        found["evaluation"] = {"judges": JUDGES.get(task, []), **evaluation}
    if isinstance(comparisons, dict):
        synthetic = comparisons.get("synthetic", {})
        if isinstance(synthetic, dict):
            synthetic = {"scorers": SCORERS.get(task, {}), **synthetic}
            found["comparisons"] = {**comparisons, "synthetic": synthetic}
    return found


def preset_names() -> list[str]:
    """Return the names of the tasks that come with prefloop."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def _preset(path: Path) -> dict[str, Any]:
    """Return what a preset's file says, not to be changed."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def load_task(raw: str | dict[str, Any]) -> TaskConfig:
    """Return the task that a preset's name, or a mapping of `name` and what differs from it, means.

    >>> load_task("sentiment").response_tokens
    24
    >>> load_task({"name": "sentiment", "response_tokens": 32}).response_tokens
    32
    """
    if not isinstance(raw, str | dict):
        raise SettingsError(f"task must be a preset's name or a section with one; got {raw!r}")
    changes = {"name": raw} if isinstance(raw, str) else dict(raw)
    name = changes.get("name")
    if name not in preset_names():
        raise SettingsError(_unknown_task(name))
    preset = copy.deepcopy(_preset(FOLDER / f"{name}.yaml"))
    if is_chat(changes.get("chat")):
        preset["stop"] = END_OF_TEXT
        if changes.get("stop") in (None, END_OF_TEXT):
            # A turn may be short. A text stop of the run file's counts from where the preset says.
            preset["stop_min"] = 0
    try:
        return TaskConfig(**{**preset, **changes})
    except ValidationError as error:
        raise SettingsError(listing("task", problem_lines(error, TaskConfig))) from error


def _unknown_task(name: object) -> str:
    known = ", ".join(preset_names())
    if name is None:
        return f"task.name is missing. Choose one of {known}, and override what differs from it."
    close = difflib.get_close_matches(str(name), preset_names(), n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    return f"task {name!r} is unknown.{guess} There are {known}; `custom` is for your own."
