"""What a run left behind in its folder, read leniently: a part that is absent is absent."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefloop.errors import InputError
from prefloop.files import read_json_lines


@dataclass(frozen=True, kw_only=True)
class FigureFile:
    """One file of figures, and where it lies in the run."""

    round: int
    path: str
    """Relative to the run folder."""
    figures: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """The figures of a run, in the order of its rounds."""

    name: str
    metrics: tuple[dict[str, Any], ...]
    evaluations: tuple[FigureFile, ...]
    trusts: tuple[FigureFile, ...]


def read_run_folder(run: Path) -> RunFolder:
    """Return the training metrics, evaluations and trust figures that the folder holds."""
    return RunFolder(
        name=run.resolve().name,
        metrics=tuple(read_json_lines(run / "metrics.jsonl")),
        evaluations=_read_all(run, "evaluation/round-*.json", r"round-(\d+)\.json$"),
        trusts=_read_all(run, "rewards/round-*/trust.json", r"round-(\d+)/trust\.json$"),
    )


def _read_all(run: Path, pattern: str, number: str) -> tuple[FigureFile, ...]:
    files = []
    for path in run.glob(pattern):
        name = path.relative_to(run).as_posix()
        match = re.search(number, name)
        if match is None:
            continue
        files.append(FigureFile(round=int(match[1]), path=name, figures=_read_json(path)))
    return tuple(sorted(files, key=lambda file: file.round))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is not JSON ({error}). Delete it and run its stage again; "
            "the labels and samples are safe in the store."
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds a {type(content).__name__}, not figures. "
            "Delete it and run its stage again."
        )
    return content
