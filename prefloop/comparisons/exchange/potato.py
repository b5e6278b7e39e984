"""Potato's annotated instances with a pairwise scheme: JSON lines.

    {"id", "user_id", "prompt", "responses": ["...", "..."],
     "label_annotations": {"preference": {"selection": "A"}}}

`selection` is `A`, `B` or `tie`; `scale_value` prefers the left side below zero and the right side
above, and how far is kept as the confidence. Potato leaves the texts in its data file: join the two
by `id` first, unless the instances carry them. Source: Potato's docs, pairwise annotation.
"""

from typing import Any

from prefloop.comparisons.exchange.candidates import Candidates, find_candidates, is_tie
from prefloop.comparisons.exchange.file_objects import FileObject, finite
from prefloop.comparisons.exchange.importer import ImportedAnswer, ImportedRecords, ImportedSample

NAME = "potato"
KEY = "label_annotations"


def read(row: FileObject, records: ImportedRecords) -> None:
    """Add the records of one annotated instance."""
    candidates = find_candidates(row.fields, without=("id", "user_id", "instance_id", "user"))
    if candidates is None:
        row.wrong(
            KEY,
            "stands beside no prompt with two texts; join the data file by id, so that prompt and "
            "responses are there",
        )
        return
    schemes = row.mapping(KEY)
    comparing = {k: v for k, v in schemes.items() if _is_comparison(v, candidates)}
    if len(comparing) > 1:
        row.wrong(KEY, f"compares in {', '.join(comparing)}; keep one of them")
    if len(comparing) != 1:
        records.left_out["no_comparison"] += not comparing
        return
    [value] = comparing.values()
    labeler = str(row.fields.get("user_id") or row.fields.get("user") or NAME)
    choice, confidence = _answer(value, candidates)
    texts = [ImportedSample(text=text, policy=NAME) for text in candidates.texts]
    records.add_answer(
        records.add_prompt(row, candidates.prompt, source=NAME),
        texts,
        ImportedAnswer(
            choice=choice,
            labeler=labeler,
            sources=(f"person:{labeler}",),
            confidence=confidence,
            is_labeler_known=labeler != NAME,
        ),
    )


def _is_comparison(value: Any, candidates: Candidates) -> bool:
    selected = _selected(value)
    if selected is not None:
        return candidates.index_of(selected) is not None or is_tie(selected)
    return _scale(value) is not None


def _answer(value: Any, candidates: Candidates) -> tuple[int | None, float | None]:
    """Return the index of the better text, None for a tie, and how much better it is."""
    selected = _selected(value)
    if selected is not None:
        return candidates.index_of(selected), None
    scale = _scale(value) or 0.0
    return (None if scale == 0 else int(scale > 0)), abs(scale)


def _selected(value: Any) -> str | None:
    """Return the option that was selected: under `selection`, or the one that is marked."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else None
    if "selection" in value:
        return str(value["selection"])
    if "scale_value" in value:
        return None
    marked = [name for name, mark in value.items() if mark and str(mark) not in ("0", "false")]
    return str(marked[0]) if len(marked) == 1 else None


def _scale(value: Any) -> float | None:
    return finite(value.get("scale_value")) if isinstance(value, dict) else None
