"""prefloop's own format: JSONL that loses nothing. One comparison per line.

    {"prefloop": 1, "prompt": {...}, "samples": [...], "comparison": {...}, "labels": [...]}

Fields are those of the records. A label's `order` is its position among all labels, its `sources`
are what it rests on. An unknown
number is null. Comparisons without labels are written too.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefloop.comparisons.exchange.exporter import ExportedFile, LabeledComparison
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import ExchangeOptions, ImportedRecords
from prefloop.label_types.answers import ANSWERS
from prefloop.label_types.types import type_of, type_problems
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.labeling.questions import comparison_problems

NAME = "raw"
VERSION = 1
SPLITS = ("train", "validation", "held_out")
PURPOSES = ("labels", "evaluation", "frontier")


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one comparison."""
    before = len(row.problems)
    if row.fields.get("prefloop") != VERSION:
        row.wrong("prefloop", f"is {row.fields.get('prefloop')}; this prefloop reads {VERSION}")
        return
    prompt = _prompt(row.inside("prompt"))
    samples = [_sample(inner) for inner in row.each("samples")]
    comparison = _comparison(row.inside("comparison"))
    labels = [(inner, _label(inner)) for inner in row.each("labels")]
    if len(row.problems) > before:
        return
    if records.is_skipped(prompt.id):
        records.left_out["held_out"] += len(labels)
        return
    owners = {sample.id: sample.prompt_id for sample in samples}
    wrong = comparison_problems(comparison, owners)
    if comparison.prompt_id != prompt.id:
        wrong.append(f"comparison {comparison.id} is about another prompt, {comparison.prompt_id}")
    for _, label in labels:
        if not type_problems(comparison):
            wrong.extend(type_of(comparison).problems(label, comparison.sample_ids))
        if label.comparison_id != comparison.id:
            wrong.append(f"label {label.id} answers another comparison, {label.comparison_id}")
    row.problems.extend(f"{row.place}: {problem}" for problem in wrong)
    records.add(row, records.prompts, prompt)
    for sample in samples:
        records.add(row, records.samples, sample)
    records.add(row, records.comparisons, comparison)
    for inner, label in labels:
        records.add(row, records.labels, label)
        records.add_source(label.id, label.labeler, _read_sources(inner))
        if "order" in inner.fields:
            records.order[label.id] = inner.whole("order")


def write(comparisons: Sequence[LabeledComparison], options: ExchangeOptions) -> ExportedFile:
    """Return every comparison with what belongs to it."""
    exported = ExportedFile()
    for question in comparisons:
        exported.counts["labels"] += len(question.labels)
        exported.objects.append(
            {
                "prefloop": VERSION,
                "prompt": asdict(question.prompt),
                "samples": [_plain(sample) for sample in question.samples.values()],
                "comparison": asdict(question.comparison),
                "labels": [
                    {"order": order, **_plain(label), **_told(label, options)}
                    for order, label in question.labels
                ],
            }
        )
    return exported


def _told(label: Label, options: ExchangeOptions) -> dict[str, list[str]]:
    """Return what a label rests on, where it is known."""
    return {"sources": list(options.told_sources(label))} if options.told_sources else {}


def _read_sources(row: FileObject) -> tuple[str, ...]:
    return row.values("sources", str) if row.fields.get("sources") is not None else ()


def _plain(record: Sample | Label) -> dict[str, Any]:
    """Return the record's fields, with null for unknown numbers."""
    fields = asdict(record)
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in fields.items()
    }


def _prompt(row: FileObject) -> Prompt:
    return Prompt(
        id=row.text("id"),
        text=row.text("text"),
        source=row.text("source"),
        split=row.word("split", SPLITS),
        reference=row.optional("reference", row.text),
    )


def _sample(row: FileObject) -> Sample:
    return Sample(
        id=row.text("id"),
        prompt_id=row.text("prompt_id"),
        model=row.text("model"),
        round=row.whole("round"),
        purpose=row.word("purpose", PURPOSES),
        text=row.text("text"),
        response_ids=row.values("response_ids", int),
        is_ended=row.flag("is_ended"),
        logprob=row.number("logprob"),
        ref_logprob=row.optional("ref_logprob", row.number),
    )


def _comparison(row: FileObject) -> Comparison:
    return Comparison(
        id=row.text("id"),
        prompt_id=row.text("prompt_id"),
        sample_ids=row.values("sample_ids", str),
        round=row.whole("round"),
        split=row.word("split", SPLITS[:2]),
        selection_probability=row.number("selection_probability"),
        label_type=row.optional("label_type", row.text),
    )


def _label(row: FileObject) -> Label:
    return Label(
        id=row.text("id"),
        comparison_id=row.text("comparison_id"),
        labeler=row.text("labeler"),
        answer=row.word("answer", ANSWERS),
        chosen=row.optional("chosen", row.text),
        shown=row.values("shown", str),
        seconds=row.number("seconds"),
        instructions=row.text("instructions"),
        note=row.text("note"),
        confidence=row.optional("confidence", row.number),
        details=row.mapping("details"),
    )
