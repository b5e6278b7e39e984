"""Label Studio's JSON export of pairwise comparisons: a list of tasks.

    {"id", "data": {"prompt", "answer1", "answer2"},
     "annotations": [{"completed_by", "lead_time", "was_cancelled",
                      "result": [{"type": "pairwise", "from_name", "to_name": "answer1,answer2",
                                  "value": {"selected": "left"}}]}]}

`selected` is `left` or `right`, or the name that the labeling interface gives to that side. A
choice among the names (`choices`) is read as well. Sources: labelstud.io/guide/export,
labelstud.io/tags/pairwise.
"""

import math
from typing import Any

from prefloop.comparisons.exchange.candidates import Candidates, find_candidates, is_tie
from prefloop.comparisons.exchange.file_objects import FileObject
from prefloop.comparisons.exchange.importer import ImportedAnswer, ImportedRecords, ImportedSample

NAME = "label_studio"


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one task: an answer for each annotation."""
    before = len(row.problems)
    data = row.inside("data")
    for annotation in row.each("annotations"):
        if annotation.fields.get("was_cancelled"):
            records.left_out["cancelled"] += 1
            continue
        results = [r for r in annotation.each("result") if _selected(r) is not None]
        if not results:
            records.left_out["no_comparison"] += 1
            continue
        candidates = find_candidates(data.fields, named=_shown(results[0].fields.get("to_name")))
        if candidates is None:
            row.wrong("data", "holds no prompt with two texts; call them prompt, answer1, answer2")
            return
        answer = _answer(annotation, results[0], candidates)
        if len(row.problems) == before and answer is not None:
            prompt = records.add_prompt(row, candidates.prompt, source=NAME)
            texts = [ImportedSample(text=text, policy=NAME) for text in candidates.texts]
            records.add_answer(prompt, texts, answer)


def _answer(
    annotation: FileObject, result: FileObject, candidates: Candidates
) -> ImportedAnswer | None:
    selected = _selected(result) or ""
    choice = candidates.index_of(selected)
    if choice is None and not is_tie(selected):
        names = ", ".join(candidates.names)
        result.wrong("value", f"selects {selected!r}; it must be left, right or one of {names}")
        return None
    labeler = _labeler(annotation.fields.get("completed_by"))
    seconds = annotation.optional("lead_time", annotation.number)
    return ImportedAnswer(
        choice=choice,
        labeler=labeler,
        sources=(f"person:{labeler}",),
        seconds=math.nan if seconds is None else seconds,
    )


def _selected(result: FileObject) -> str | None:
    """Return what a result selects; None if it is no comparison."""
    value = result.fields.get("value")
    if not isinstance(value, dict):
        return None
    if result.fields.get("type") == "pairwise":
        return str(value.get("selected"))
    choices = value.get("choices")
    is_choice = result.fields.get("type") == "choices" and isinstance(choices, list)
    return str(choices[0]) if is_choice and choices else None


def _shown(to_name: Any) -> list[str]:
    """Return the names of the objects that a pairwise control compares, in their order."""
    names = to_name.split(",") if isinstance(to_name, str) else to_name
    if not isinstance(names, list):
        return []
    return [str(name).strip() for name in names]


def _labeler(completed_by: Any) -> str:
    """Return who annotated: an e-mail address, or the number of a user."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return f"user-{completed_by}" if isinstance(completed_by, int) else str(completed_by or NAME)
