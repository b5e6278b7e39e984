"""Paths in a run file: from the file's own folder, or from where the command was typed.

A path is looked for beside the run file first, so that a folder can be moved and a command typed
anywhere. What is not there is taken as it stands: as a path from the current folder, or as a name.
"""

import copy
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prefloop.access import is_there, why_closed
from prefloop.errors import InputError

RUN_FILE = "run.yaml"

PATHS = (
    *("prompts.source", "models.name"),
    *("comparisons.people.certificate", "comparisons.people.key", "comparisons.strings"),
)
"""Settings that are a path, or may be one."""

NEW_PATHS = ("store",)
"""Settings that name a file which a run makes: beside the run file, unless it is elsewhere."""

PATH_LISTS = ("evaluation.models",)
NAMED = ("scorers", "judges")
"""Sections of entries with settings of their own."""

PATH_KEYS = ("folder", "file", "path")
"""What a scorer or judge calls a setting that is a path."""

OF_RUN = re.compile(r"policy/(round|update)-\d+(-branch-\d+)?")
"""Names of the run's own policy."""

Sections = dict[str, Any]


def expanded(name: str) -> Path:
    """Return a path with the home folder for `~`; as it stands where nobody has such a home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def require_there(path: Path) -> None:
    """Raise an InputError if what a user named is not there, or may not be read."""
    if problem := why_closed(path):
        raise InputError(f"{path} {problem}")
    if not is_there(path):
        raise InputError(f"{path} does not exist (looked from {Path.cwd()}). Check the path.")


def require_all_there(paths: Sequence[Path]) -> None:
    """Raise one InputError with all of several that are not there, or may not be read."""
    problems = []
    for path in paths:
        try:
            require_there(path)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))


def found_paths(raw: Sections, folder: Path) -> Sections:
    """Return the sections of a run file in `folder`, with its paths as they lead from here."""

    def found(text: str) -> str:
        # As the system reads it: `..` leads out of what a link stands for, not out of the link.
        is_here = _is_relative(text) and is_there(folder / text)
        return str(folder / text) if is_here else text

    def made(text: str) -> str:
        is_here = not _is_relative(text) or is_there(Path(text))
        return text if is_here else str(folder / text)

    return _mapped(_mapped(raw, found), made, NEW_PATHS)


def kept_paths(raw: Sections, folder: Path) -> Sections:
    """Return the sections with their paths as they lead from `folder`; others stay absolute."""
    root = folder.resolve()

    def kept(text: str) -> str:
        path = expanded(text)
        if not is_there(path):
            return text
        begins_here = path.absolute().is_relative_to(folder.absolute())
        rest = path.absolute().relative_to(folder.absolute()) if begins_here else path
        if begins_here and ".." not in rest.parts:
            return str(rest)
        # The last name stays: what it is a link to may be exchanged.
        place = path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name
        is_ours = _is_relative(text) or begins_here or place.is_relative_to(root)
        return os.path.relpath(place, root) if is_ours else text

    return _mapped(raw, kept)


def _is_relative(text: str) -> bool:
    """Whether a text can be a path from some folder, and neither a URL nor `builtin:` something.

    `policy/round-0` is a name, although a folder in the run is called so.
    """
    is_name = OF_RUN.fullmatch(text) is not None
    return bool(text) and ":" not in text and not text.startswith(("~", os.sep)) and not is_name


def _mapped(raw: Sections, change: Callable[[str], str], also: tuple[str, ...] = ()) -> Sections:
    """Return a copy in which every text that may be a path is changed; with `also`, only those."""
    mapped = copy.deepcopy(raw)
    for place, key in _places(mapped, also):
        if isinstance(place[key], str):
            place[key] = change(place[key])
    return mapped


def _places(raw: Sections, only: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield where paths stand: the section, entry or list, and the key in it."""
    for dotted in only or (*PATHS, *NEW_PATHS, *PATH_LISTS):
        *path, last = dotted.split(".")
        section: Any = raw
        for step in path:
            section = section.get(step) if isinstance(section, dict) else None
        if not isinstance(section, dict) or last not in section:
            continue
        if dotted in PATH_LISTS:
            values = section[last] if isinstance(section[last], list) else []
            yield from ((values, i) for i in range(len(values)))
        else:
            yield section, last
    for name in () if only else NAMED:
        entries = raw.get(name)
        for entry in entries.values() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                yield from ((entry, key) for key in PATH_KEYS if key in entry)
