"""Rows of Parquet files, of Arrow files, and of the folders that `datasets` saves.

Read with pyarrow, which is optional: `pip install 'prefloop[data]'`. A folder is one of:

    state.json, data-00000-of-00001.arrow      what Dataset.save_to_disk wrote
    dataset_dict.json, train/, test/           what DatasetDict.save_to_disk wrote
    train-00000-of-00002.parquet, ...          a dataset as the hub keeps it

One that holds several splits is refused: the rows of a test split are nobody's training data.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from prefloop.errors import InputError

SUFFIXES = (".parquet", ".arrow")


def is_arrow(path: Path) -> bool:
    """Whether a path is a folder, or ends as a file of Arrow or Parquet does."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def arrow_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a file or folder, each with its number from 1."""
    files = _files(path) if path.is_dir() else [path]
    pyarrow = _pyarrow(path)
    number = 0
    for file in files:
        try:
            for batch in _batches(file):
                for row in _rows_of(batch, file):
                    number += 1
                    yield f"row {number}", row
        except pyarrow.ArrowException as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{file} is no complete table: {reason}. Write it again.") from error
        except OSError as error:
            raise InputError(
                f"{file} cannot be read: {error.strerror or error}. Check the file."
            ) from error


def _rows_of(batch: Any, file: Path) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(f"{file} has the column {twice[0]!r} twice. Rename one of them.")
    columns = [_values(batch.column(name), f"the column {name!r} of {file}") for name in names]
    for cells in zip(*columns, strict=True):
        yield dict(zip(names, cells, strict=True))


def _values(column: Any, place: str) -> list[Any]:
    """Return a column's values; None for each that Python has none for, as for nanoseconds."""
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        return [_value(cell, place) for cell in column]
    return values


def _value(cell: Any, place: str) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place} holds bytes that are no text. Write it again as UTF-8."
        ) from error
    except (ValueError, OverflowError):
        return None


def _pyarrow(path: Path) -> Any:
    try:
        return import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path} is a table of Apache Arrow, and the package that reads it is not installed. "
            "pip install 'prefloop[data]', or save the table as JSON lines."
        ) from error


def _batches(file: Path) -> Iterator[Any]:
    ipc = import_module("pyarrow.ipc")
    with file.open("rb") as opened:
        if file.suffix.lower() == ".parquet":
            yield from import_module("pyarrow.parquet").ParquetFile(opened).iter_batches()
            return
        # `datasets` writes streams; the magic bytes tell a file with an index.
        is_indexed = opened.read(6) == b"ARROW1"
        opened.seek(0)
        if not is_indexed:
            yield from ipc.open_stream(opened)
            return
        table = ipc.open_file(opened)
        yield from (table.get_batch(i) for i in range(table.num_record_batches))


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder in the order of their rows."""
    if (folder / "dataset_dict.json").is_file():
        splits = sorted(p for p in folder.iterdir() if (p / "state.json").is_file())
        return _files(_one_of(folder, {split.name: [split] for split in splits})[0])
    if (folder / "state.json").is_file():
        try:
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            return [folder / str(part["filename"]) for part in state["_data_files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder / 'state.json'} is damaged ({error}). Save the dataset again."
            ) from error
    parts: dict[str, list[Path]] = {}
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        parts.setdefault(file.stem.partition("-0")[0], []).append(file)
    return _one_of(folder, parts)


def _one_of(folder: Path, splits: dict[str, list[Path]]) -> list[Path]:
    """Return the files of the only split; InputError if there are several, or none."""
    if not splits:
        raise InputError(
            f"{folder} is a folder without a table (.parquet, .arrow, or what `datasets` saved). "
            "Name one file."
        )
    if len(splits) > 1:
        first = next(iter(splits.values()))[0]
        raise InputError(
            f"{folder} holds the splits {', '.join(splits)}. Name one of them, such as {first}."
        )
    return next(iter(splits.values()))
