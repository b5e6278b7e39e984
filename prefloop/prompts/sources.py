"""Reads passages from the built-in fiction, JSON lines, CSV or plain text.

All problems of a file are reported at once, in the terms of the file: line, column,
what was found.
"""

import difflib
import json
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prefloop.access import why_closed
from prefloop.errors import InputError, listing
from prefloop.prompts.passages import Passage, PassageFile
from prefloop.prompts.row_file_rows import PlacedCells, is_row_file, row_file_rows
from prefloop.prompts.tables import NumberedRow, holds_separator, table_rows
from prefloop.settings.prompts import PromptsConfig
from prefloop.text.decoding import decode_file, text_fault
from prefloop.text.printable import is_blank

BUILTIN = Path(__file__).parent / "builtin"
SHOWN = 10
"""Problems that are listed; of the rest only the number is given."""

FORMATS = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".text": "text",
}


def read_passages(config: PromptsConfig) -> PassageFile:
    """Return the passages of `config.source`, in the order of the file."""
    path = source_path(config.source)
    if is_row_file(path):
        return _row_file_passages(path, config)
    text = _decoded(path)
    if is_blank(text):
        raise InputError(f"prompt file {path} is empty. It needs one prompt a line.")
    problems: list[str] = []
    kind = FORMATS[_suffix(path)]
    wanted = _wanted(config, kind)
    if kind == "text":
        rows: Iterable[NumberedRow] = _text_rows(text, config.text_column)
    elif kind == "json":
        rows = _json_rows(text, problems)
    else:
        rows = table_rows(text, "\t" if kind == "tsv" else ",", wanted, problems)
    placed = [(f"line {number}", row) for number, row in rows]
    return _checked(placed, wanted, config, path, problems)


def _row_file_passages(path: Path, config: PromptsConfig) -> PassageFile:
    """Return the passages of a JSON array, a table of Apache Arrow or a `datasets` folder."""
    problems: list[str] = []
    rows = list(row_file_rows(path, config.text_column, problems))
    return _checked(rows, _wanted(config, "row file"), config, path, problems)


def _checked(
    rows: list[PlacedCells],
    wanted: dict[str, str],
    config: PromptsConfig,
    path: Path,
    problems: list[str],
) -> PassageFile:
    """Return the passages of the rows, or raise an InputError that tells all problems."""
    _check_columns(rows, wanted, problems)
    found = _passages(rows, config, path, problems)
    if problems:
        raise InputError(_told(f"prompt file {path}", problems))
    return found


def source_path(source: str) -> Path:
    """Return the file that `prompts.source` names; an InputError says what is there instead."""
    try:
        return _builtin(source) if source.startswith("builtin:") else _own_file(source)
    except (OSError, RuntimeError) as error:
        # A folder that may not be entered, a name that is too long, a home that nobody has.
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"prompt file {source} cannot be looked at: {reason}.") from error


def _builtin(source: str) -> Path:
    path = BUILTIN / f"{source.removeprefix('builtin:')}.jsonl.gz"
    if not path.is_file():
        names = [f"builtin:{p.name.removesuffix('.jsonl.gz')}" for p in BUILTIN.glob("*.gz")]
        raise InputError(
            f"prompts.source {source!r} is not built in; there is {', '.join(names) or 'none'}."
        )
    return path


def _own_file(source: str) -> Path:
    path = Path(source).expanduser()
    if problem := why_closed(path):
        raise InputError(f"prompt file {path} {problem}")
    if not path.is_file() and not path.is_dir():
        raise InputError(_no_file(path))
    if not is_row_file(path) and _suffix(path) not in FORMATS:
        raise InputError(
            f"prompt file {path} ends in {path.suffix or 'nothing'!r}, which cannot be read. "
            "Save it as .jsonl (one object a line), .json (an array), .csv, .tsv or .txt (one "
            "prompt a line), each packed as .gz or not, or as .parquet."
        )
    return path


def _no_file(path: Path) -> str:
    if path.exists():
        return f"prompt file {path} is no ordinary file. Save its text in one, and name that."
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, n=1)
    guess = f" Did you mean {path.parent / close[0]}?" if close else ""
    return (
        f"prompt file {path} does not exist (looked from {Path.cwd()}).{guess} "
        "Set prompts.source to a file, or to builtin:fiction."
    )


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _decoded(path: Path) -> str:
    subject = f"prompt file {path}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{subject} cannot be read: {error.strerror or error}. Check who may read it."
        ) from error
    return decode_file(data, subject, is_packed=path.suffix.lower() == ".gz")


def _text_rows(text: str, column: str) -> Iterator[NumberedRow]:
    """Yield the lines as an editor counts them; blank ones are none.

    Only a line feed ends a line: other separators of Unicode stay in the text.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if not is_blank(line):
            yield number, {column: line}


def _json_rows(text: str, problems: list[str]) -> Iterator[NumberedRow]:
    """Yield the objects of JSON lines; blank lines are none."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error))
            problems.append(f"line {number}: not JSON ({reason}); found {_short(line)}")
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            problems.append(f"line {number}: not an object with keys; found {_short(line)}")


def _wanted(config: PromptsConfig, kind: str) -> dict[str, str]:
    """Return the columns that must exist, with the settings that ask for them."""
    columns = {} if kind == "text" else {config.text_column: "prompts.text_column"}
    if config.reference_column is not None:
        columns[config.reference_column] = "prompts.reference_column"
    return columns


def _check_columns(rows: list[PlacedCells], wanted: dict[str, str], problems: list[str]) -> None:
    """Add a problem for every column that no row has."""
    found = list(dict.fromkeys(column for _, row in rows for column in row))
    for column, setting in wanted.items():
        if not rows or column in found:
            continue
        names = ", ".join(map(repr, found))
        problems.append(
            f"no column {column!r}; there are {names}; {_advice(column, setting, found)}"
        )


def _advice(column: str, setting: str, found: list[str]) -> str:
    close = difflib.get_close_matches(column, found, n=1)
    guess = close[0] if close else found[0] if len(found) == 1 else None
    if guess is None:
        return f"set {setting} to one of them"
    if holds_separator(guess):
        return "put a comma, semicolon or tab between the columns, or save it as .jsonl"
    return f"did you mean {shlex.quote(f'{setting}={guess}')}?"


def _passages(
    rows: list[PlacedCells], config: PromptsConfig, path: Path, problems: list[str]
) -> PassageFile:
    passages: list[Passage] = []
    n_empty = 0
    for place, row in rows:
        text = _cell(row, config.text_column, place, problems)
        reference = _cell(row, config.reference_column, place, problems)
        if not text:
            n_empty += text is not None
            continue
        source = row.get("source")
        if not isinstance(source, str) or not source or text_fault(source):
            source = f"{_shown_name(path)}, {place}"
        passages.append(Passage(text=text, source=source, reference=reference or None))
    if not passages and not problems:
        problems.append(f"no text: all {n_empty} rows are empty in {config.text_column!r}")
    return PassageFile(passages=passages, n_empty=n_empty)


def _cell(row: dict[str, Any], column: str | None, place: str, problems: list[str]) -> str | None:
    """Return a cell's text without space around it; "" if it is missing or shows nothing, None if
    it is no text."""
    value = row.get(column) if column is not None else None
    if value is None:
        return ""
    if not isinstance(value, str):
        found = _short(json.dumps(value, default=str))
        problems.append(f"{place}: {column!r} is not text; found {found}")
        return None
    fault = text_fault(value)
    if fault is not None:
        problems.append(f"{place}: {column!r} {fault}")
        return None
    return "" if is_blank(value) else value.strip()


def _shown_name(path: Path) -> str:
    """Return a file's name as text, also one whose bytes are no UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _short(text: str) -> str:
    return text.strip() if len(text.strip()) <= 40 else text.strip()[:40] + "..."


def _told(subject: str, problems: list[str]) -> str:
    """List the first problems and count the rest."""
    lines = listing(subject, problems).split("\n")
    if len(problems) > SHOWN:
        lines = [*lines[: SHOWN + 1], f"  - and {len(problems) - SHOWN} more"]
    return "\n".join(lines)
