"""Labels from a file and into a file, in any of the formats."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefloop.comparisons.exchange import (
    argilla,
    hh,
    label_studio,
    openai_2019,
    openai_2020,
    potato,
    raw,
    trl,
)
from prefloop.comparisons.exchange.exporter import (
    ExportedFile,
    LabeledComparison,
    load_comparisons,
)
from prefloop.comparisons.exchange.file_objects import FileObject, fault_in, read_objects
from prefloop.comparisons.exchange.importer import ExchangeOptions, ImportedRecords
from prefloop.comparisons.exchange.own_files import write_record
from prefloop.comparisons.exchange.problems import import_error
from prefloop.comparisons.labelers.sources import labeler_kind
from prefloop.errors import ConflictError, InputError, StoreAwayError, StoreError
from prefloop.files import write_atomically
from prefloop.store.labeling.imports import LabelFile
from prefloop.store.store import Store

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How a format is known, read object by object, and written, all at once."""

    is_like: Callable[[Fields], bool]
    """Whether a row can be of this format; the first in the list of formats that says so is it."""
    read: Callable[[FileObject, ImportedRecords], None]
    write: Callable[[Sequence[LabeledComparison], ExchangeOptions], ExportedFile] | None = None
    """None: files of other tools are read, not written."""


FORMATS = {
    raw.NAME: FileFormat(is_like=lambda row: "prefloop" in row, read=raw.read, write=raw.write),
    openai_2019.NAME: FileFormat(
        is_like=lambda row: {"query", "sample0", "best"} <= set(row),
        read=openai_2019.read,
        write=openai_2019.write,
    ),
    openai_2020.NAME: FileFormat(
        is_like=lambda row: {"summaries", "choice"} <= set(row),
        read=openai_2020.read,
        write=openai_2020.write,
    ),
    label_studio.NAME: FileFormat(
        is_like=lambda row: {"data", "annotations"} <= set(row), read=label_studio.read
    ),
    potato.NAME: FileFormat(is_like=lambda row: potato.KEY in row, read=potato.read),
    argilla.NAME: FileFormat(is_like=argilla.is_like, read=argilla.read),
    hh.NAME: FileFormat(is_like=hh.is_like, read=hh.read, write=hh.write),
    trl.NAME: FileFormat(
        is_like=lambda row: {"chosen", "rejected"} <= set(row), read=trl.read, write=trl.write
    ),
}
"""By name, the more particular first."""

DEFAULTS = ExchangeOptions()


def guess_format(path: Path) -> str:
    """Return the format that the first row of a file has; InputError if it is none of them."""
    problems: list[str] = []
    first = next(read_objects(path, problems), None)
    if first is None:
        if problems:
            raise import_error(path, problems)
        raise InputError(f"{path} is empty; there is nothing to import.")
    if (name := format_of(first.fields)) is not None:
        return name
    keys = ", ".join(map(repr, list(first.fields)[:12]))
    raise InputError(
        f"{path} is in no format that is known: {first.place} has the keys {keys}. Rename them to "
        f"prompt, chosen and rejected; or import it with `prefloop import --format` and its name "
        f"({', '.join(FORMATS)})."
    )


def format_of(row: Fields) -> str | None:
    """Return the format that a row can be of; None if it is none of them."""
    return next((name for name, known in FORMATS.items() if known.is_like(row)), None)


def prompts_in(path: Path, format: str) -> list[str]:
    """Return the prompts of a file with labels, each once, in its order.

    InputError names what cannot be read; `openai_2019` holds token ids and no texts.
    """
    if format == openai_2019.NAME:
        raise InputError(
            f"{path} is in the format {format}, which holds token ids. Give the run's prompts as "
            "well, and import the labels with `prefloop import`."
        )
    records = ImportedRecords(format=format, options=DEFAULTS)
    _read(path, format, records)
    return [prompt.text for prompt in records.prompts.values()]


def import_file(
    store: Store, path: Path, format: str, *, options: ExchangeOptions = DEFAULTS
) -> dict[str, int]:
    """Store the records of a file, all or none; return how many of each kind were new."""
    stored = {prompt.id: prompt for prompt in store.prompts()}
    records = ImportedRecords(format=format, options=options, stored=stored)
    n_objects = _read(path, format, records)
    if not n_objects:
        raise InputError(f"{path} is empty; there is nothing to import.")
    counts = _stored(store, path, format, records)
    left_out = {f"left_out_{reason}": n for reason, n in sorted(records.left_out.items()) if n}
    new = {kind: n for kind, n in counts.items() if kind != "verdicts"}
    return {"lines": n_objects, **new, **left_out}


def _stored(store: Store, path: Path, format: str, records: ImportedRecords) -> dict[str, int]:
    """Store all records or none; return how many of each kind were new."""
    people = {person.name for person in store.people.all()}
    try:
        return store.add_all(
            prompts=list(records.prompts.values()),
            samples=list(records.samples.values()),
            comparisons=list(records.comparisons.values()),
            labels=records.labels_in_order(),
            file=LabelFile(
                name=path.name,
                format=format,
                sources=records.sources,
                is_own=lambda labeler: labeler_kind(labeler, people) != "imported",
            ),
        )
    except (StoreAwayError, ConflictError):
        raise
    except StoreError as error:
        raise StoreError(f"{path} cannot be imported, and nothing was stored. {error}") from error


def _read(path: Path, format: str, records: ImportedRecords) -> int:
    """Add the records of a file and return how many objects it holds; InputError tells problems."""
    known, n_objects = _format(format), 0
    for row in read_objects(path, records.problems):
        n_objects += 1
        before = len(records.problems)
        fault = _read_row(row, known, records)
        if fault and len(records.problems) == before:
            records.problems.append(f"{row.place}: a text in it {fault}")
    if records.problems:
        raise import_error(path, records.problems)
    return n_objects


def _read_row(row: FileObject, known: FileFormat, records: ImportedRecords) -> str | None:
    """Add the records of a row; return why one of its texts cannot be stored, or None.

    Whatever a format looks at itself: a name of somebody is a text, too.
    """
    sizes = records.sizes()
    try:
        known.read(row, records)
    except UnicodeEncodeError:  # no id can be made of such a text
        return fault_in(row.fields)
    faults = map(fault_in, map(vars, records.since(sizes)))
    return next(filter(None, faults), None)


def export_file(
    store: Store, path: Path, format: str, *, options: ExchangeOptions = DEFAULTS
) -> dict[str, int]:
    """Write the store's comparisons and live labels to a file; return how many, and left out.

    Beside it goes a record by which the file is known as one of prefloop's own.
    """
    write = _format(format).write
    if write is None:
        written = ", ".join(name for name, known in FORMATS.items() if known.write)
        raise InputError(f"The format {format} is read and not written. Choose one of {written}.")
    exported = write(load_comparisons(store), options)
    if not exported.objects:
        reasons = ", ".join(f"{key} {n}" for key, n in sorted(exported.counts.items()))
        raise InputError(
            f"Nothing in the store fits the format {format}"
            f"{f' ({reasons})' if reasons else ''}. The format raw takes everything."
        )
    lines = [json.dumps(each, allow_nan=False) for each in exported.objects]
    text = "[" + ",\n ".join(lines) + "]\n" if exported.is_array else "\n".join(lines) + "\n"
    write_atomically(path, text)
    write_record(path, format=format, head=store.ledger_head())
    counts = {"lines": len(lines), **dict(exported.counts)}
    # Labels of excluded labelers are written too: whoever reads the file decides.
    excluded = {r.labeler: r.n_labels for r in store.exclusions.all() if r.undone_at is None}
    n_excluded = sum(excluded.values())
    return counts | ({"labels_of_excluded_labelers": n_excluded} if n_excluded else {})


def _format(name: str) -> FileFormat:
    if name not in FORMATS:
        raise InputError(f"There is no format {name!r}; known are {', '.join(FORMATS)}.")
    return FORMATS[name]
