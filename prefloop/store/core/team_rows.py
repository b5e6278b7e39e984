"""Records of people and their work to rows and back; `rows.py` has the records of the loop.

As there, an unknown number is NaN in a record and null in the database.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.teamwork import (
    Exclusion,
    Gold,
    Instructions,
    Person,
    QualityCheck,
    StopRequest,
    TrainerState,
    Update,
)

KINDS_IN_LEDGER = {"retest": "repeat"}
"""Kinds of quality checks to what events of the ledger call them: its words never change."""

KINDS_FROM_LEDGER = {in_ledger: kind for kind, in_ledger in KINDS_IN_LEDGER.items()}


def person_record(row: RowMapping) -> Person:
    """Return the person in a row, without the hash of their password."""
    return Person(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        qualification=row["qualification"],
    )


def instructions_record(row: RowMapping) -> Instructions:
    """Return the instructions in a row."""
    return Instructions(
        version=row["version"],
        question=row["question"],
        text=row["text"],
        is_major=row["is_major"],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def gold_row(gold: Gold) -> RowDict:
    """Return the part of a gold question's row that does not depend on the ledger."""
    return dict(vars(gold))


def gold_record(row: RowMapping) -> Gold:
    """Return the gold question in a row."""
    return Gold(
        comparison_id=row["comparison_id"],
        chosen=row["chosen"],
        explanation=row["explanation"],
        is_training=row["is_training"],
        created_by=row["created_by"],
    )


def quality_check_payload(check: QualityCheck) -> dict[str, Any]:
    """Return the content of the event that stores a quality check."""
    return dict(vars(check)) | {
        "kind": KINDS_IN_LEDGER.get(check.kind, check.kind),
        "seconds": None if math.isnan(check.seconds) else check.seconds,
    }


def quality_check_record(row: RowMapping) -> QualityCheck:
    """Return the quality check in a row."""
    return QualityCheck(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["labeler"],
        kind=row["kind"],
        answer=row["answer"],
        chosen=row["chosen"],
        shown=tuple(json.loads(row["shown"])),
        seconds=math.nan if row["seconds"] is None else row["seconds"],
        instructions=row["instructions"],
        is_right=row["is_right"],
    )


def exclusion_record(row: RowMapping, n_labels: int) -> Exclusion:
    """Return the exclusion in a row, with the number of live labels that it leaves out."""
    return Exclusion(
        id=row["id"],
        name=row["name"],
        labeler=row["labeler"],
        reason=row["reason"],
        applied_by=row["applied_by"],
        applied_at=row["applied_at"],
        n_labels=n_labels,
        undone_at=row["undone_at"],
        undone_by=row["undone_by"],
    )


def stop_request_record(row: RowMapping) -> StopRequest:
    """Return the stop request in a row."""
    return StopRequest(
        id=row["id"],
        pulled_by=row["pulled_by"],
        reason=row["reason"],
        samples=tuple(json.loads(row["samples"])),
        pulled_at=row["pulled_at"],
        stopped_at=row["stopped_at"],
        update=row["update"],
        released_at=row["released_at"],
        released_by=row["released_by"],
        checked=row["checked"],
        action=row["action"],
        roll_back_to=row["roll_back_to"],
    )


def update_record(row: RowMapping) -> Update:
    """Return the line of metrics in a row."""
    return Update(
        number=row["number"],
        stage=row["stage"],
        round=row["round"],
        update=row["update"],
        created_at=row["created_at"],
        line=json.loads(row["line"]),
        samples=tuple(json.loads(row["samples"])),
    )


def trainer_record(row: RowMapping) -> TrainerState:
    """Return the heartbeat in a row."""
    return TrainerState(
        phase=row["phase"],
        round=row["round"],
        done=row["done"],
        total=row["total"],
        detail=row["detail"],
        checkpoints=tuple(json.loads(row["checkpoints"])),
        heartbeat_at=row["heartbeat_at"],
        address=row["address"],
    )


def finite_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return JSON that every browser can read: NaN and infinities become null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(inner) for inner in value]
    return value
