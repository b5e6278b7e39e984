"""Records to rows and back.

An unknown number (the log-probability of an imported sample, the time an imported label took) is
NaN in a record, or None where that is allowed, and null in the database: it can never be taken for
a measurement.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.records import Comparison, Event, Label, Prompt, Sample, Verdict

RowDict = dict[str, Any]
"""Column names and values, to be written to the database."""

RowMapping = Mapping[Any, Any]
"""Column names and values, read from the database."""


def prompt_row(prompt: Prompt) -> RowDict:
    """Return the row of a prompt."""
    return dict(vars(prompt))


def prompt_record(row: RowMapping) -> Prompt:
    """Return the prompt in a row."""
    return Prompt(
        id=row["id"],
        text=row["text"],
        source=row["source"],
        split=row["split"],
        reference=row["reference"],
    )


def sample_row(sample: Sample) -> RowDict:
    """Return the row of a sample."""
    return dict(vars(sample)) | {
        "response_ids": _list(sample.response_ids),
        "logprob": _null_if_unknown(sample.logprob),
        "ref_logprob": _null_if_unknown(sample.ref_logprob),
    }


def sample_record(row: RowMapping) -> Sample:
    """Return the sample in a row."""
    return Sample(
        id=row["id"],
        prompt_id=row["prompt_id"],
        model=row["model"],
        round=row["round"],
        purpose=row["purpose"],
        text=row["text"],
        response_ids=tuple(json.loads(row["response_ids"])),
        is_ended=row["is_ended"],
        logprob=_nan_if_null(row["logprob"]),
        ref_logprob=row["ref_logprob"],
    )


def comparison_row(comparison: Comparison) -> RowDict:
    """Return the row of a comparison, without its samples, which have rows of their own."""
    row = dict(vars(comparison))
    del row["sample_ids"]
    return row


def comparison_sample_rows(comparison: Comparison) -> list[RowDict]:
    """Return one row per sample of a comparison."""
    return [
        {"comparison_id": comparison.id, "position": position, "sample_id": sample_id}
        for position, sample_id in enumerate(comparison.sample_ids)
    ]


def comparison_record(row: RowMapping, sample_ids: Sequence[str]) -> Comparison:
    """Return the comparison in a row."""
    return Comparison(
        id=row["id"],
        prompt_id=row["prompt_id"],
        sample_ids=tuple(sample_ids),
        round=row["round"],
        split=row["split"],
        selection_probability=row["selection_probability"],
        label_type=row["label_type"],
    )


def label_row(label: Label) -> RowDict:
    """Return a label's row without the columns that come from the ledger."""
    return dict(vars(label)) | {
        "shown": _list(label.shown),
        "seconds": _null_if_unknown(label.seconds),
        "details": _details(label.details),
    }


def label_record(row: RowMapping) -> Label:
    """Return the label in a row."""
    return Label(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["labeler"],
        answer=row["answer"],
        chosen=row["chosen"],
        shown=tuple(json.loads(row["shown"])),
        seconds=_nan_if_null(row["seconds"]),
        instructions=row["instructions"],
        note=row["note"],
        confidence=row["confidence"],
        details=json.loads(row["details"] or "{}"),
    )


def label_payload(label: Label) -> dict[str, Any]:
    """Return the content of the event that stores a label."""
    payload = dict(vars(label)) | {"seconds": _null_if_unknown(label.seconds)}
    if not label.details:
        del payload["details"]
    return payload


def label_row_from_payload(payload: RowMapping) -> RowDict:
    """Return the row of the label in an event."""
    details = _details(payload.get("details", {}))
    return dict(payload) | {"shown": _list(payload["shown"]), "details": details}


def verdict_row(verdict: Verdict) -> RowDict:
    """Return the row of a verdict."""
    return dict(vars(verdict))


def verdict_record(row: RowMapping) -> Verdict:
    """Return the verdict in a row."""
    return Verdict(
        id=row["id"],
        prompt_id=row["prompt_id"],
        model=row["model"],
        baseline=row["baseline"],
        sample_id=row["sample_id"],
        baseline_sample_id=row["baseline_sample_id"],
        judge=row["judge"],
        outcome=row["outcome"],
        score=row["score"],
        baseline_score=row["baseline_score"],
    )


def event_row(event: Event) -> RowDict:
    """Return the row of an event."""
    return dict(vars(event))


def event_record(row: RowMapping) -> Event:
    """Return the event in a row."""
    return Event(
        sequence=row["sequence"],
        kind=row["kind"],
        payload=row["payload"],
        created_at=row["created_at"],
        hash=row["hash"],
    )


def _details(details: Mapping[str, Any]) -> str | None:
    return json.dumps(details, sort_keys=True) if details else None


def _list(values: Sequence[str] | Sequence[int]) -> str:
    return json.dumps(list(values))


def _null_if_unknown(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else number


def _nan_if_null(number: float | None) -> float:
    return math.nan if number is None else number
