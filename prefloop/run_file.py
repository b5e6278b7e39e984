"""One run file: YAML in, frozen sections out, all problems reported at once."""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prefloop.access import why_closed
from prefloop.choices import choice_problems, scores_may_differ
from prefloop.errors import InputError, PrefloopError, SettingsError, listing
from prefloop.run_paths import found_paths, kept_paths
from prefloop.settings.recipes import DEFAULT_TASK, EARLIER, with_recipe
from prefloop.settings.renamed import Raw, with_todays_names
from prefloop.settings.run import RunConfig
from prefloop.settings.run_file import METHODS_KEY, RunFileConfig
from prefloop.settings.section import RECORDED, problem_lines
from prefloop.settings.task_presets import load_task, with_task_defaults

RESOLVED = "run.resolved.yaml"
"""Beside a run file: every setting with which the run last made something."""

NO_RUN = (
    "this file is for several methods, and a run trains one. `prefloop experiment methods FOLDER "
    "FILE` trains and compares them; for a run of one method, take the section out"
)
"""Why a run file for several methods is no run, and what carries it out."""


def load_run_file(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run file; `overrides` are texts such as `policy.lr=1e-4`."""
    raw, twice = read_sections(path, overrides)
    return parse_run(raw, str(path), twice)


def load_run_as_made(path: Path) -> RunConfig:
    """Read the settings that a run was made with; those of its run file if it made nothing yet.

    They are in `run.resolved.yaml`, overrides and all. What the report shows and what the audits
    look at is up to the run file. Raises a SettingsError if a scorer that the audits look at has
    other settings there than the scorer of that name that the run was made with, or if a key
    stands twice.
    """
    resolved = path.parent / RESOLVED
    if not resolved.is_file():
        return load_run_file(path)
    raw, twice = read_sections(path)
    asked, problems = _parse_sections(raw, RECORDED)
    if asked is None or twice:
        raise SettingsError(listing(str(path), twice + problems))
    made = load_sections(resolved)
    audited = {name: asked.scorers[name] for name in asked.audits.scorers if name in asked.scorers}
    if problems := _replaced_scorers(made, audited):
        raise SettingsError(listing(str(path), problems))
    looks = {"report": asked.report, "audits": asked.audits}
    return made.model_copy(update={**looks, "scorers": {**made.scorers, **audited}})


def _replaced_scorers(made: RunConfig, audited: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return which scorers of the audits would stand for another one that the run was made with.

    One that only the audits looked at may change, as they may.
    """
    used = {*made.comparisons.known_scorers, made.policy.reward, *made.evaluation.judges}
    return [
        f"scorers.{name}: the run was made with {made.scorers.get(name, {})} and this says {now}; "
        "take it back, or give the scorer in audits.scorers a name of its own"
        for name, now in audited.items()
        if name in used
        and (was := made.scorers.get(name, {})) != now
        and scores_may_differ(name, was, now)
    ]


def load_sections(path: Path) -> RunConfig:
    """Read a run file whose names were checked before: what it chooses need not be installed."""
    raw, twice = _read(path)
    config, problems = _parse_sections(_with_whole_rollouts(raw), RECORDED)
    if config is None or twice or problems:
        raise SettingsError(listing(str(path), twice + problems))
    return config


def recorded_run(settings: Mapping[str, Any], name: str) -> RunConfig:
    """Return the run whose settings an artifact's record holds; `name` is how messages call it."""
    config, problems = _parse_sections(_with_whole_rollouts(settings), RECORDED)
    if config is None or problems:
        raise SettingsError(listing(f"The settings that {name} was made with", problems))
    return config


def read_sections(path: Path, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Return what a run file says, unchecked, over the recipe that its run was begun with.

    With it comes a problem for each key that stands twice, to be told with all others.
    """
    raw, twice = _read(path, overrides)
    if _began_without_recipes(path.parent):
        raw.setdefault("recipe", EARLIER)
    return raw, twice


def _with_whole_rollouts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return recorded settings with the episodes that were made: earlier versions left a rest out.

    A run file that leaves a rest is refused; a record of what was done is not.
    """
    policy = settings.get("policy")
    if not isinstance(policy, Mapping):
        return dict(settings)
    episodes, batch = policy.get("episodes"), policy.get("batch_size")
    if isinstance(episodes, int) and isinstance(batch, int) and 0 < batch <= episodes:
        policy = {**policy, "episodes": episodes - episodes % batch}
    return {**settings, "policy": policy}


def _began_without_recipes(folder: Path) -> bool:
    """Whether the run in the folder was begun by a version that had no recipes."""
    resolved = folder / RESOLVED
    if not resolved.is_file():
        return False
    return not re.search(r"^recipe:", resolved.read_text("utf-8", errors="replace"), re.MULTILINE)


def _read(path: Path, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    if problem := why_closed(path):
        raise InputError(f"{path} {problem}")
    if not path.is_file():
        raise InputError(
            f"{path} does not exist. Make a run folder with `prefloop init {path.parent} "
            "--task sentiment`."
        )
    try:
        raw, twice = _read_yaml(_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SettingsError(f"{path} is not YAML: {error}. Correct it there.") from error
    if not isinstance(raw, dict):
        kind = type(raw).__name__
        raise SettingsError(f"{path} must hold sections such as `policy:`; got {kind}.")
    return with_overrides(found_paths(raw, path.parent), overrides, path), twice


def with_overrides(sections: Mapping[str, Any], overrides: Sequence[str], path: Path) -> Raw:
    """Return the sections of the run file at `path` with texts such as `policy.lr=1e-4` applied."""
    raw = copy.deepcopy(dict(sections))
    for override in overrides:
        _apply(raw, override)
    _refuse_half_characters(raw, path)
    return raw


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"line {line} has the byte {error.object[error.start]:#04x}"
        raise SettingsError(f"{path} is not UTF-8: {found}. Save it as UTF-8.") from error


def _refuse_half_characters(raw: dict[str, Any], path: Path) -> None:
    """Refuse texts that no file and no database takes, such as "\\ud83d" in quotes."""
    try:
        json.dumps(raw, ensure_ascii=False, default=str, skipkeys=True).encode()
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 20) : error.start]
        raise SettingsError(
            f"{path} or an override holds half of a character (a lone surrogate) behind "
            f"{around!r}. Repair the text."
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path} refers to itself: a section holds its own anchor.") from error


def parse_run(raw: dict[str, Any], name: str, found: Sequence[str] = ()) -> RunConfig:
    """Return the run that `raw` means; `name` is how messages call it.

    `found` are problems that were found before; they are listed with all others.
    """
    config, problems = checked_run(raw)
    if config is None or found or problems:
        raise SettingsError(listing(name, [*found, *problems]))
    return config


def checked_run(raw: Mapping[str, Any]) -> tuple[RunConfig | None, list[str]]:
    """Return the run that `raw` means, None if it cannot be read, and all that is wrong with it."""
    config, problems = _parse_sections(raw)
    return config, problems + (choice_problems(config) if config is not None else [])


def _parse_sections(
    raw: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> tuple[RunConfig | None, list[str]]:
    """Return the sections and what is wrong with them; None if they cannot be read."""
    raw = with_todays_names(raw)
    problems = [f"{METHODS_KEY}: {NO_RUN}"] if METHODS_KEY in raw else []
    raw.pop(METHODS_KEY, None)
    try:
        sections = with_recipe(raw)
    except SettingsError as error:
        problems.append(str(error))
        sections = dict(raw)
    try:
        sections["task"] = load_task(sections.get("task", DEFAULT_TASK))
    except PrefloopError as error:
        heading, *lines = str(error).splitlines()
        problems += [f"task.{line.removeprefix('  - ')}" for line in lines] or [heading]
        sections["task"] = load_task(DEFAULT_TASK)
    sections = with_task_defaults(sections, sections["task"].name)
    try:
        return RunConfig.model_validate(sections, context=context), problems
    except ValidationError as error:
        return None, problems + problem_lines(error, RunFileConfig)


def _apply(raw: dict[str, Any], override: str) -> None:
    """Set one dotted key; refuse text that is no `section.key=value`."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise SettingsError(
            f"{override!r} is not an override. Write section.key=value, as in policy.lr=1e-4."
        )
    *path, last = key.strip().split(".")
    place = raw
    for step in path:
        inner = place.setdefault(step, {})
        if step == "task" and isinstance(inner, str):
            inner = place[step] = {"name": inner}
        if not isinstance(inner, dict):
            raise SettingsError(f"{override!r}: {step} is no section.")
        place = inner
    try:
        place[last], twice = _read_yaml(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SettingsError(
            f"{override!r}: {text!r} is no YAML value. Put it in quotes."
        ) from error
    if twice:
        raise SettingsError(f"{override!r}: {'; '.join(twice)}.")


class RunFileLoader(yaml.SafeLoader):
    """YAML that reads 1e-5 as a number, as YAML 1.2 does and PyYAML does not.

    Of a key that stands twice the last holds, as PyYAML has it; `_read_yaml` tells of it.
    """


RunFileLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?([eE][-+]?\d+)$"),
    list("-+0123456789"),
)


def _read_yaml(text: str) -> tuple[Any, list[str]]:
    """Return what a text says, and what is wrong with it: the keys that stand twice.

    Raises what PyYAML does: a YAMLError; a ValueError for a date that is none or a whole number of
    thousands of digits; a RecursionError.
    """
    raw, twice = _parsed(text)
    return copy.deepcopy(raw), list(twice)


@lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[Any, list[str]]:
    """Return the same, not to be changed: a command reads a run's few files several times."""
    loader = RunFileLoader(text)
    try:
        node = loader.get_single_node()
        # Before anything is made of it: merging changes the nodes.
        twice = _keys_twice(node)
        return (None if node is None else loader.construct_document(node)), twice
    finally:
        loader.dispose()


def read_settings(text: str) -> Any:
    """Return what a text says that prefloop wrote; raises what PyYAML does."""
    return _read_yaml(text)[0]


def _keys_twice(root: yaml.Node | None) -> list[str]:
    """Return a problem for each key that stands twice in its mapping, in the order of the text."""
    found = list[tuple[list[int], str]]()
    waiting, seen = [("", root)], set[int]()
    while waiting:
        where, node = waiting.pop()
        # An anchor may be named often, and within itself.
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        lines = dict[tuple[str, str], list[int]]()
        for key, value in _entries(node):
            if key is not None:
                lines.setdefault((key.tag, key.value), []).append(key.start_mark.line + 1)
            waiting.append((where if key is None else f"{where}{key.value}.", value))
        found += [(on, f"{where}{name}") for (_, name), on in lines.items() if len(on) > 1]
    return [
        f"{name}: it stands {len(on)} times, on {_line_numbers(on)}; only the last would count, so "
        "keep one of them"
        for on, name in sorted(found)
    ]


def _entries(node: yaml.CollectionNode) -> list[tuple[yaml.ScalarNode | None, yaml.Node]]:
    """Return what a mapping or list holds, with the key where it has one that names a setting."""
    if not isinstance(node, yaml.MappingNode):
        return [(None, value) for value in node.value]
    return [(key if _is_name(key) else None, value) for key, value in node.value]


def _is_name(key: yaml.Node) -> bool:
    """Whether a key names a setting: of two `<<` both count, so nothing is lost."""
    return isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge"


def _line_numbers(lines: Sequence[int]) -> str:
    """Return numbers of lines in words.

    >>> _line_numbers([3, 3]), _line_numbers([3, 7, 9])
    ('line 3', 'lines 3, 7 and 9')
    """
    *others, last = map(str, dict.fromkeys(lines))
    return f"lines {', '.join(others)} and {last}" if others else f"line {last}"


def as_yaml(config: RunConfig, folder: Path | None = None) -> str:
    """Return the whole run, every default written out; paths as they lead from its `folder`."""
    raw = config.model_dump() if folder is None else kept_paths(config.model_dump(), folder)
    return yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=100)
