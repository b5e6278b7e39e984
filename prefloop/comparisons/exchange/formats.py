"""Labels in and out by file, in any of the formats."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.comparisons.exchange import openai_2019, openai_2020, raw, trl
from prefloop.comparisons.exchange.exporter import Outgo, Question, load_questions
from prefloop.comparisons.exchange.file_objects import Line, read_lines, told
from prefloop.comparisons.exchange.importer import Intake, Options
from prefloop.errors import InputError
from prefloop.files import write_atomically
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Format:
    """How a format is read, object by object, and written, all at once."""

    read: Callable[[Line, Intake], None]
    write: Callable[[Sequence[Question], Options], Outgo]


FORMATS = {
    raw.NAME: Format(read=raw.read, write=raw.write),
    trl.NAME: Format(read=trl.read, write=trl.write),
    openai_2019.NAME: Format(read=openai_2019.read, write=openai_2019.write),
    openai_2020.NAME: Format(read=openai_2020.read, write=openai_2020.write),
}

DEFAULTS = Options()


def import_file(
    store: Store, path: Path, format: str, *, options: Options = DEFAULTS
) -> dict[str, int]:
    """Store what a file holds, all of it or nothing; return how many of each record were new."""
    known = _format(format)
    stored = {prompt.id: prompt for prompt in store.prompts()}
    intake = Intake(format=format, options=options, stored=stored)
    n_objects = 0
    for line in read_lines(path, intake.problems):
        n_objects += 1
        known.read(line, intake)
    if intake.problems:
        raise told(path, intake.problems)
    if not n_objects:
        raise InputError(f"{path} is empty; there is nothing to import.")
    counts = store.add_all(
        prompts=list(intake.prompts.values()),
        samples=list(intake.samples.values()),
        comparisons=list(intake.comparisons.values()),
        labels=intake.labels_in_order(),
    )
    return {"lines": n_objects, **{k: n for k, n in counts.items() if k != "verdicts"}}


def export_file(
    store: Store, path: Path, format: str, *, options: Options = DEFAULTS
) -> dict[str, int]:
    """Write the store's comparisons and live labels to a file; return how many went in and not."""
    outgo = _format(format).write(load_questions(store), options)
    if not outgo.objects:
        reasons = ", ".join(f"{key} {n}" for key, n in sorted(outgo.counts.items()))
        raise InputError(
            f"Nothing in the store fits the format {format}"
            f"{f' ({reasons})' if reasons else ''}. The format raw takes everything."
        )
    lines = [json.dumps(each, allow_nan=False) for each in outgo.objects]
    text = "[" + ",\n ".join(lines) + "]\n" if outgo.is_array else "\n".join(lines) + "\n"
    write_atomically(path, text)
    counts = {"lines": len(lines), **dict(outgo.counts)}
    # Excluded labelers' answers are written like all others: whoever reads the file decides.
    excluded = {r.labeler: r.n_labels for r in store.exclusions.all() if r.undone_at is None}
    n_excluded = sum(excluded.values())
    return counts | ({"labels_of_excluded_labelers": n_excluded} if n_excluded else {})


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InputError(f"There is no format {name!r}; known are {', '.join(FORMATS)}.")
    return FORMATS[name]
