"""Validation of submitted answers: a receipt for each, and the ledger entries to store.

A group of submissions is validated in order against the stored answers; each accepted one counts as
stored for those after it. The stored rows are read before, in a few queries for the whole group.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from prefloop.label_types.types import label_type
from prefloop.records import Label
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.rows import RowDict, RowMapping, label_payload, label_row
from prefloop.store.core.team_tables import gold
from prefloop.store.labeling.labels import LABEL
from prefloop.store.labeling.quality_checks import quality_check_entry
from prefloop.store.labeling.receipts import Receipt, ReceiptReason
from prefloop.store.labeling.stored_answers import (
    AssignmentRow,
    is_same,
    stored_answers,
    stored_assignments,
)
from prefloop.teamwork import AssignmentKind, QualityCheck, Submission

LedgerEntry = tuple[str, dict[str, Any]]
"""Kind and payload of an event to be appended."""
AnswerKey = tuple[str, str, AssignmentKind]
"""Comparison, labeler and kind: at most one answer is live for each."""


class SubmissionValidator:
    """Validates submissions in order; `entries` are to be appended to the ledger."""

    def __init__(
        self,
        connection: Connection,
        now: float,
        submissions: Sequence[Submission],
        versions: set[str],
    ) -> None:
        """Read the stored rows; `versions` are those of the instructions."""
        self.entries: list[LedgerEntry] = []
        self.accepted: list[Submission] = []
        self._assignments = stored_assignments(connection, now, submissions)
        self._answer_ids = {
            assignment.id: assignment.answer_id for assignment in self._assignments.values()
        }
        self._stored = stored_answers(connection, submissions)
        self._live = {
            _key(row): name for name, row in self._stored.items() if row["ended_by"] is None
        }
        self.live_labels = {
            (comparison_id, labeler): name
            for (comparison_id, labeler, kind), name in self._live.items()
            if kind == "regular"
        }
        self._versions = versions
        self._gold: dict[str, RowMapping] = {}
        if any(assignment.kind != "regular" for assignment in self._assignments.values()):
            self._gold = _gold(connection, self._assignments)

    def receipt(self, submission: Submission) -> Receipt:
        """Return the receipt of a submission; accept it if it is to be stored."""
        label, assignment = submission.label, self._assignments.get(submission.assignment_id)
        if assignment is None or assignment.labeler != label.labeler:
            return Receipt(label_id=label.id, outcome="refused", reason="not_yours")
        if not label.comparison_id:
            return self._by_position(submission, assignment)
        stored = self._stored.get(label.id)
        if stored is not None:
            if not is_same(label, stored):
                return Receipt(label_id=label.id, outcome="conflict", reason="id_in_use")
            return self._explained(Receipt(label_id=label.id, outcome="same"), label, assignment)
        refusal = self._unfit(submission, assignment)
        if refusal is not None:
            return refusal
        key = (label.comparison_id, label.labeler, assignment.kind)
        refusal = self._refusal(submission, assignment, self._live.get(key))
        if refusal is not None:
            return refusal
        is_late = self._is_late(assignment)
        self._accept(submission, assignment, key)
        receipt = Receipt(label_id=label.id, outcome="late" if is_late else "stored")
        return self._explained(receipt, label, assignment)

    def _by_position(self, submission: Submission, assignment: AssignmentRow) -> Receipt:
        """Return the receipt of an answer that names samples by position in the assignment."""
        label = submission.label
        names = {position_name(i): name for i, name in enumerate(json.loads(assignment.shown))}
        if label.shown != tuple(names):
            return _refused(label, "other_question")
        # Problems name positions: from a sample's id a labeler could infer its origin.
        answered = label_type(assignment.label_type, len(names))
        problems = answered.problems(label, label.shown)
        if problems:
            return _refused(label, "unfit", problems)
        label = replace(answered.renamed(label, names), comparison_id=assignment.comparison_id)
        receipt = self.receipt(replace(submission, label=label))
        positions = {name: position for position, name in names.items()}
        return replace(receipt, known=positions.get(receipt.known or ""))

    def assignment(self, submission: Submission) -> AssignmentRow:
        """Return the assignment of an accepted submission, as it was before."""
        return self._assignments[submission.assignment_id]

    def is_first(self, submission: Submission) -> bool:
        """Whether it is the first answer to its assignment, withdrawn ones included."""
        return (
            submission.replaces is None
            and not self._assignments[submission.assignment_id].is_tallied
        )

    def _unfit(self, submission: Submission, assignment: AssignmentRow) -> Receipt | None:
        label = submission.label
        if (
            label.comparison_id != assignment.comparison_id
            or json.dumps(label.shown) != assignment.shown
        ):
            return _refused(label, "other_question")
        if label.instructions not in self._versions:
            return _refused(label, "unknown_version")
        if not all(map(_is_storable, (label.id, label.note, submission.timing.device))):
            return _refused(label, "bad_text")
        answered = label_type(assignment.label_type, len(label.shown))
        problems = answered.problems(label, label.shown)
        return _refused(label, "unfit", problems) if problems else None

    def _refusal(
        self, submission: Submission, assignment: AssignmentRow, live: str | None
    ) -> Receipt | None:
        label, replaces = submission.label, submission.replaces
        if replaces is None:
            if self._answer_ids[assignment.id] is None and live is None:
                return None
            return Receipt(label_id=label.id, outcome="conflict", reason="answered")
        if live != replaces or self._answer_ids[assignment.id] not in (None, replaces):
            return Receipt(label_id=label.id, outcome="conflict", reason="changed")
        closed = self._closed(assignment)
        if closed is None:
            return None
        return Receipt(label_id=label.id, outcome="closed", reason=closed)

    def _closed(self, assignment: AssignmentRow) -> ReceiptReason | None:
        """Return why an answer may no longer change; None if it may."""
        if assignment.kind == "training":
            return "explained"
        return "closed" if self._is_late(assignment) else None

    def _is_late(self, assignment: AssignmentRow) -> bool:
        if assignment.kind == "regular":
            return assignment.frozen_at is not None
        return bool(assignment.is_of_a_frozen_batch)

    def _accept(self, submission: Submission, assignment: AssignmentRow, key: AnswerKey) -> None:
        label, kind = submission.label, assignment.kind
        row = label_row(label) | {"kind": kind, "ended_by": None}
        if kind == "regular":
            self.entries.append((LABEL, label_payload(label)))
        else:
            check = _check(label, kind, self._is_right(label, assignment))
            self.entries.append(
                quality_check_entry(
                    check,
                    note=label.note,
                    confidence=label.confidence,
                    replaces=submission.replaces,
                    details=label.details,
                )
            )
        self._stored[label.id] = row
        self._live[key] = label.id
        self._answer_ids[assignment.id] = label.id
        self.accepted.append(submission)

    def _is_right(self, label: Label, assignment: AssignmentRow) -> bool | None:
        if label.answer in ("skip", "flag"):
            return None
        if assignment.kind != "retest":
            known = self._gold.get(label.comparison_id)
            return None if known is None else label.chosen == known["chosen"]
        first = self._live.get((label.comparison_id, label.labeler, "regular"))
        if first is None:
            return None
        answer = self._stored[first]
        return (label.answer, label.chosen) == (answer["answer"], answer["chosen"])

    def _explained(self, receipt: Receipt, label: Label, assignment: AssignmentRow) -> Receipt:
        known = self._gold.get(label.comparison_id)
        if assignment.kind != "training" or known is None:
            return receipt
        return Receipt(
            label_id=receipt.label_id,
            outcome=receipt.outcome,
            is_right=self._is_right(label, assignment),
            explanation=known["explanation"],
            known=known["chosen"],
        )


def _refused(label: Label, reason: ReceiptReason, problems: Sequence[str] = ()) -> Receipt:
    joined = " ".join(problems)
    return Receipt(label_id=label.id, outcome="refused", reason=reason, problems=joined)


def position_name(index: int) -> str:
    """Return the name of the sample at an index for clients that may not see its id."""
    return str(index + 1)


def _key(row: RowDict) -> AnswerKey:
    return row["comparison_id"], row["labeler"], row["kind"]


def _gold(connection: Connection, assignments: dict[str, AssignmentRow]) -> dict[str, RowMapping]:
    """The known answers by comparison: the one in use, else the last that was."""
    ids = [assignment.comparison_id for assignment in assignments.values()]
    rows = rows_where(connection, gold, "comparison_id", ids)
    in_order = sorted(rows, key=lambda row: (row["ended_by"] is None, row["sequence"]))
    return {row["comparison_id"]: row for row in in_order}


def _is_storable(text: str) -> bool:
    """Whether databases can store a text: no NUL character, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _check(label: Label, kind: AssignmentKind, is_right: bool | None) -> QualityCheck:
    return QualityCheck(
        id=label.id,
        comparison_id=label.comparison_id,
        labeler=label.labeler,
        kind=kind,
        answer=label.answer,
        chosen=label.chosen,
        shown=label.shown,
        seconds=label.seconds,
        instructions=label.instructions,
        is_right=is_right,
    )
