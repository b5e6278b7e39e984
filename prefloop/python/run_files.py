"""The run file that the arguments of `prefloop.Run` mean, written into the run's folder."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from prefloop.comparisons.exchange.formats import format_of, guess_format, prompts_in
from prefloop.errors import InputError, SettingsError
from prefloop.files import write_atomically, write_if_changed
from prefloop.prompts.sources import source_path
from prefloop.python.given_texts import listed, refuse_wrong_texts
from prefloop.run_file import RESOLVED, parse_run
from prefloop.run_paths import RUN_FILE, Sections, found_paths, kept_paths, require_there
from prefloop.scorers.items import ScoringFunction, refuse_other_arguments
from prefloop.settings.comparisons import NOBODY
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig

OF_RUN = "prefloop.Run"
OF_PAGE = "prefloop.LabelingPage"
"""Who writes run files: neither takes a folder of the other's."""
ROW = "{'prompt': ..., 'chosen': ..., 'rejected': ...}"
PROMPTS, LABELS = "prompts.jsonl", "labels.jsonl"
"""Files in the run folder that hold what was given as lists."""

Row = Mapping[str, Any]
Prompts = str | os.PathLike[str] | Iterable[str] | Row
"""A list of texts, a file of them, `builtin:fiction`, or the settings of the section `prompts`."""
Labels = str | os.PathLike[str] | Iterable[Row]
"""A file that `prefloop import` reads, or rows of `prompt`, `chosen` and `rejected`."""


@dataclass(frozen=True)
class GivenRun:
    """What the arguments of a run mean."""

    sections: Sections
    functions: Mapping[str, ScoringFunction] = field(default_factory=dict)
    """Functions that the run file names, by what it calls them."""
    labels: Path | None = None
    """The file of labels to import."""


def given_run(
    folder: Path,
    *,
    model: str | os.PathLike[str] | None,
    prompts: Prompts | None,
    reward: str | ScoringFunction | None,
    labels: Labels | None,
    sections: Mapping[str, Any],
) -> GivenRun:
    """Return the sections of a run file; lists of prompts and labels become files in the folder."""
    said: Sections = {"task": "custom", **sections}
    if model is not None:
        said = merged(said, "models", name=_model_name(model))
    file = None if labels is None else _label_file(folder, labels)
    if file is not None:
        _refuse_other_reward(reward)
        said = merged(said, "comparisons", labelers=NOBODY)
        prompts = prompts_in(file, guess_format(file)) if prompts is None else prompts
    if isinstance(prompts, Mapping):
        said = merged(said, "prompts", **prompts)
    elif prompts is not None:
        said = merged(said, "prompts", source=_prompt_source(folder, prompts))
    if isinstance(reward, str):
        said = merged(said, "policy", reward=reward)
    if reward is None or isinstance(reward, str):
        return GivenRun(said, labels=file)
    name = function_name(reward)
    refuse_other_arguments(reward, name)
    said = merged(said, "scorers", **{name: function_entry(name)})
    return GivenRun(merged(said, "policy", reward=name), {name: reward}, file)


def _model_name(model: object) -> str:
    """Return the model's name or path as text; InputError if it is neither."""
    if not isinstance(model, str | os.PathLike):
        raise InputError(
            f"model is {model!r:.200}; give a name such as 'smollm2', or a folder. Its settings go "
            "beside it: models={'lora_rank': 4}."
        )
    return os.fspath(model)


def merged(given: Mapping[str, Any], section: str, **values: Any) -> Sections:
    """Return sections in which these values stand, if the user did not say otherwise there.

    >>> merged({"models": {"lora_rank": 4}}, "models", name="smollm2")
    {'models': {'name': 'smollm2', 'lora_rank': 4}}
    """
    said = given.get(section, {})
    if not isinstance(said, Mapping):
        raise SettingsError(f"{section} is {said!r}; give its settings, such as {{'name': value}}.")
    return {**given, section: {**values, **said}}


def function_entry(name: str) -> Sections:
    """Return the entry under `scorers:` of a function that is handed over in Python."""
    return {"kind": "function", "file": None, "function": name}


def function_name(function: ScoringFunction) -> str:
    """Return what a run file calls a function: its own name, if it has one.

    >>> function_name(lambda prompts, responses: [0.0] * len(responses))
    'reward_function'
    """
    if not callable(function):
        raise InputError(
            f"{function!r} is neither the name of a scorer nor a function. Give one that takes "
            "(prompts, responses) and returns a number for each response."
        )
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() else "reward_function"


def _header(writer: str) -> str:
    return f"# Written by {writer}; change the arguments in Python, not this file.\n"


def refuse_others_file(folder: Path, writer: str) -> None:
    """Raise a SettingsError if the folder holds a run file that `writer` did not write."""
    if folder.is_file():
        raise SettingsError(f"{folder} is a file. Name a folder for the run, or none.")
    path = folder / RUN_FILE
    if path.exists() and not path.read_text("utf-8", errors="replace").startswith(_header(writer)):
        raise SettingsError(
            f"{path} exists already and was not written by {writer}. Open that run with "
            f"prefloop.Run({str(folder)!r}) and nothing else, or name another folder."
        )


@contextmanager
def unchanged_if_refused(folder: Path) -> Iterator[None]:
    """Put the folder's run file, prompts and labels back as they were if the block raises."""
    was_there = folder.exists()
    paths = [folder / name for name in (RUN_FILE, PROMPTS, LABELS)]
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != content:
                write_atomically(path, content)
        if not was_there:
            with suppress(OSError):  # not empty, or never made
                folder.rmdir()
        raise


def refuse_other_run(config: RunConfig, folder: Path) -> None:
    """Raise a SettingsError if the run in the folder has made something with other settings."""
    if not (folder / RESOLVED).is_file():
        return
    from prefloop.run.kept_settings import keep_settings, with_method_options

    # What has changed and may is said once it applies, when the run goes on.
    keep_settings(with_method_options(config), folder, lambda _: None)


def _refuse_other_reward(reward: str | ScoringFunction | None) -> None:
    """Raise an InputError if what labels teach would be left out of the training."""
    if reward not in (None, REWARD_MODEL):
        raise InputError(
            "Labels train a reward model, and a policy that is trained towards another reward "
            "learns nothing from them. Leave out `labels`, or leave out `reward`."
        )


def _label_file(folder: Path, labels: Labels) -> Path:
    if isinstance(labels, str | os.PathLike):
        path = Path(labels)
        require_there(path)
        return path
    rows = listed("labels", labels)
    if not rows:
        raise InputError(f"labels is empty. Give a file, or rows such as {ROW}.")
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(
                f"labels[{index}] is {row!r}; every label must be a row such as {ROW}."
            )
    if format_of(rows[0]) is None:
        keys = ", ".join(map(repr, rows[0]))
        raise InputError(f"labels[0] has the keys {keys}; every label must be a row such as {ROW}.")
    return _write_rows(folder / LABELS, rows)


def _prompt_source(folder: Path, prompts: str | os.PathLike[str] | Iterable[str]) -> str:
    """Return what `prompts.source` is; a list is written into the folder first."""
    if isinstance(prompts, str | os.PathLike):
        source_path(os.fspath(prompts))  # An InputError, now, if nothing lies there.
        return os.fspath(prompts)
    texts = listed("prompts", prompts)
    refuse_wrong_texts("prompts", texts)
    if not texts:
        raise InputError("prompts is empty. Give a list of texts, a file, or builtin:fiction.")
    return str(_write_rows(folder / PROMPTS, [{"text": text} for text in texts]))


def _write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write JSON lines, unless the file holds them already; return its path."""
    try:
        text = "".join(json.dumps(dict(row)) + "\n" for row in rows)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path.stem} hold what JSON cannot: {error}. Give texts, numbers, lists and "
            "dictionaries."
        ) from error
    write_if_changed(path, text)
    return path


def parse_sections(sections: Sections, folder: Path) -> RunConfig:
    """Return the run that sections mean; SettingsError tells all problems at once."""
    return parse_run(found_paths(sections, folder), "prefloop.Run")


def write_run_file(sections: Sections, folder: Path, writer: str) -> None:
    """Write the run file: only what was said, paths as they lead from the folder."""
    raw = kept_paths(sections, folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        text = _header(writer) + yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=100)
    except yaml.YAMLError as error:
        raise SettingsError(
            f"A setting is no plain value: {error}. Give texts, numbers, lists and dictionaries."
        ) from error
    write_if_changed(folder / RUN_FILE, text)
