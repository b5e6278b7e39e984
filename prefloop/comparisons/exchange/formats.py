"""Labels from a file and into a file, in any of the formats."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.comparisons.exchange import openai_2019, openai_2020, raw, trl
from prefloop.comparisons.exchange.exporter import (
    ExportedFile,
    LabeledComparison,
    load_comparisons,
)
from prefloop.comparisons.exchange.file_objects import FileObject, import_error, read_objects
from prefloop.comparisons.exchange.importer import ExchangeOptions, ImportedRecords
from prefloop.errors import InputError
from prefloop.files import write_atomically
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How a format is read, object by object, and written, all at once."""

    read: Callable[[FileObject, ImportedRecords], None]
    write: Callable[[Sequence[LabeledComparison], ExchangeOptions], ExportedFile]


FORMATS = {
    raw.NAME: FileFormat(read=raw.read, write=raw.write),
    trl.NAME: FileFormat(read=trl.read, write=trl.write),
    openai_2019.NAME: FileFormat(read=openai_2019.read, write=openai_2019.write),
    openai_2020.NAME: FileFormat(read=openai_2020.read, write=openai_2020.write),
}

DEFAULTS = ExchangeOptions()


def import_file(
    store: Store, path: Path, format: str, *, options: ExchangeOptions = DEFAULTS
) -> dict[str, int]:
    """Store the records of a file, all or none; return how many of each kind were new."""
    known = _format(format)
    stored = {prompt.id: prompt for prompt in store.prompts()}
    records = ImportedRecords(format=format, options=options, stored=stored)
    n_objects = 0
    for row in read_objects(path, records.problems):
        n_objects += 1
        known.read(row, records)
    if records.problems:
        raise import_error(path, records.problems)
    if not n_objects:
        raise InputError(f"{path} is empty; there is nothing to import.")
    counts = store.add_all(
        prompts=list(records.prompts.values()),
        samples=list(records.samples.values()),
        comparisons=list(records.comparisons.values()),
        labels=records.labels_in_order(),
    )
    return {"lines": n_objects, **{k: n for k, n in counts.items() if k != "verdicts"}}


def export_file(
    store: Store, path: Path, format: str, *, options: ExchangeOptions = DEFAULTS
) -> dict[str, int]:
    """Write the store's comparisons and live labels to a file; return how many, and left out."""
    exported = _format(format).write(load_comparisons(store), options)
    if not exported.objects:
        reasons = ", ".join(f"{key} {n}" for key, n in sorted(exported.counts.items()))
        raise InputError(
            f"Nothing in the store fits the format {format}"
            f"{f' ({reasons})' if reasons else ''}. The format raw takes everything."
        )
    lines = [json.dumps(each, allow_nan=False) for each in exported.objects]
    text = "[" + ",\n ".join(lines) + "]\n" if exported.is_array else "\n".join(lines) + "\n"
    write_atomically(path, text)
    counts = {"lines": len(lines), **dict(exported.counts)}
    # Labels of excluded labelers are written too: whoever reads the file decides.
    excluded = {r.labeler: r.n_labels for r in store.exclusions.all() if r.undone_at is None}
    n_excluded = sum(excluded.values())
    return counts | ({"labels_of_excluded_labelers": n_excluded} if n_excluded else {})


def _format(name: str) -> FileFormat:
    if name not in FORMATS:
        raise InputError(f"There is no format {name!r}; known are {', '.join(FORMATS)}.")
    return FORMATS[name]
