"""prefloop's own format: JSONL that loses nothing. One comparison per line.

    {"prefloop": 1, "prompt": {...}, "samples": [...], "comparison": {...}, "labels": [...]}

Fields are those of the records. A label's `order` is its position among all labels. null stands for
a number that is not known. Comparisons without labels are there too.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefloop.comparisons.exchange.exporter import Outgo, Question
from prefloop.comparisons.exchange.file_objects import Line
from prefloop.comparisons.exchange.importer import Intake, Options
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.labeling.labels import ANSWERS, label_problems
from prefloop.store.labeling.questions import comparison_problems

NAME = "raw"
VERSION = 1
SPLITS = ("train", "validation", "held_out")
PURPOSES = ("labels", "evaluation", "frontier")


def read(line: Line, intake: Intake) -> None:
    """Gather the records of one comparison."""
    before = len(line.problems)
    if line.fields.get("prefloop") != VERSION:
        line.wrong("prefloop", f"is {line.fields.get('prefloop')}; this prefloop reads {VERSION}")
        return
    prompt = _prompt(line.inside("prompt"))
    samples = [_sample(inner) for inner in line.each("samples")]
    comparison = _comparison(line.inside("comparison"))
    labels = [(inner, _label(inner)) for inner in line.each("labels")]
    if len(line.problems) > before:
        return
    owners = {sample.id: sample.prompt_id for sample in samples}
    wrong = comparison_problems(comparison, owners)
    if comparison.prompt_id != prompt.id:
        wrong.append(f"comparison {comparison.id} is about another prompt, {comparison.prompt_id}")
    for _, label in labels:
        wrong.extend(label_problems(label, comparison.sample_ids))
        if label.comparison_id != comparison.id:
            wrong.append(f"label {label.id} answers another comparison, {label.comparison_id}")
    line.problems.extend(f"{line.place}: {problem}" for problem in wrong)
    intake.keep(line, intake.prompts, prompt)
    for sample in samples:
        intake.keep(line, intake.samples, sample)
    intake.keep(line, intake.comparisons, comparison)
    for inner, label in labels:
        intake.keep(line, intake.labels, label)
        if "order" in inner.fields:
            intake.order[label.id] = inner.whole("order")


def write(questions: Sequence[Question], options: Options) -> Outgo:
    """Return every comparison with everything that belongs to it."""
    outgo = Outgo()
    for question in questions:
        outgo.counts["labels"] += len(question.labels)
        outgo.objects.append(
            {
                "prefloop": VERSION,
                "prompt": asdict(question.prompt),
                "samples": [_plain(sample) for sample in question.samples.values()],
                "comparison": asdict(question.comparison),
                "labels": [{"order": order, **_plain(label)} for order, label in question.labels],
            }
        )
    return outgo


def _plain(record: Sample | Label) -> dict[str, Any]:
    """The record's fields, with null for what is not known."""
    fields = asdict(record)
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in fields.items()
    }


def _prompt(line: Line) -> Prompt:
    return Prompt(
        id=line.text("id"),
        text=line.text("text"),
        source=line.text("source"),
        split=line.word("split", SPLITS),
        reference=line.text_or_none("reference"),
    )


def _sample(line: Line) -> Sample:
    return Sample(
        id=line.text("id"),
        prompt_id=line.text("prompt_id"),
        model=line.text("model"),
        round=line.whole("round"),
        purpose=line.word("purpose", PURPOSES),
        text=line.text("text"),
        response_ids=line.wholes("response_ids"),
        is_ended=line.flag("is_ended"),
        logprob=line.number("logprob"),
        ref_logprob=line.number_or_none("ref_logprob"),
    )


def _comparison(line: Line) -> Comparison:
    return Comparison(
        id=line.text("id"),
        prompt_id=line.text("prompt_id"),
        sample_ids=line.texts("sample_ids"),
        round=line.whole("round"),
        split=line.word("split", SPLITS[:2]),
        selection_probability=line.number("selection_probability"),
    )


def _label(line: Line) -> Label:
    return Label(
        id=line.text("id"),
        comparison_id=line.text("comparison_id"),
        labeler=line.text("labeler"),
        answer=line.word("answer", ANSWERS),
        chosen=line.text_or_none("chosen"),
        shown=line.texts("shown"),
        seconds=line.number("seconds"),
        instructions=line.text("instructions"),
        note=line.text("note"),
        confidence=line.number_or_none("confidence"),
    )
