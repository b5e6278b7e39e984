"""The tasks that come with prefloop, and how a run file changes one of them."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prefloop.errors import SettingsError, listing
from prefloop.settings.section import problem_lines
from prefloop.settings.task import TaskConfig

FOLDER = Path(__file__).parent / "tasks"


def preset_names() -> list[str]:
    """Return the names of the tasks that come with prefloop."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


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
    preset = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
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
