"""Storing and withdrawing answers: many in one transaction, each with a receipt.

`submissions.py` validates them. Every answer is first an event of the ledger.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.ledger import append
from prefloop.store.core.rows import RowDict
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import assignments, instructions, quality_checks
from prefloop.store.labeling.holds import hold
from prefloop.store.labeling.labels import KINDS, WITHDRAWN, fold
from prefloop.store.labeling.own_answers import open_for_change
from prefloop.store.labeling.quality_checks import CHECK_KINDS, CHECK_WITHDRAWN, fold_quality_checks
from prefloop.store.labeling.receipts import Receipt, ReceiptReason
from prefloop.store.labeling.submissions import (
    LedgerEntry,
    SubmissionValidator,
)
from prefloop.store.labeling.tallies import CountedAnswer, count_answers
from prefloop.store.labeling.working_time import worked_seconds
from prefloop.teamwork import Submission

GROUP = 128
"""Submissions that are looked up together. Their ids stand four times in one query, and the oldest
versions of SQLite take 999 values."""


_CLOSE = sa.update(assignments).where(assignments.c.id == sa.bindparam("name"))
_CLOSE = _CLOSE.values(
    closed_at=sa.bindparam("new_closed_at"),
    answer_id=sa.bindparam("new_answer_id"),
    active_seconds=sa.bindparam("new_active_seconds"),
    # Of all answers to the question: one that was withdrawn took its time as well.
    worked_seconds=sa.func.coalesce(assignments.c.worked_seconds, 0.0)
    + sa.bindparam("more_worked_seconds", type_=sa.Double),
    first_key_seconds=sa.bindparam("new_first_key_seconds"),
    device=sa.bindparam("new_device"),
    is_tallied=True,
)


class AnswerIntake:
    """Stores the answers of labelers and lets them withdraw them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions: set[str] = set()

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt]:
        """Return a receipt for each submission; all that were accepted are on the disk by then."""
        with self.writing() as connection:
            return self.submit_within(connection, submissions)

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a transaction for `submit_within`: all of it is on the disk when it ends."""
        return self._database.writing()

    def submit_within(
        self, connection: Connection, submissions: Sequence[Submission]
    ) -> list[Receipt]:
        """Do what `submit` does in a transaction of the caller's."""
        if not submissions:
            return []
        now = clock.now(connection)
        versions = self._known_versions(connection, submissions)
        return [
            receipt
            for group in _groups(submissions)
            for receipt in _submit(connection, now, group, versions)
        ]

    def withdraw(self, answer_id: str, labeler: str) -> Receipt:
        """Withdraw an answer of the labeler; its assignment is leased to them again."""
        with self._database.writing() as connection:
            return _withdraw(connection, answer_id, labeler)

    def _known_versions(
        self, connection: Connection, submissions: Sequence[Submission]
    ) -> set[str]:
        """The versions of the instructions. None is ever deleted: read again only for a new one."""
        if not self._versions.issuperset(each.label.instructions for each in submissions):
            self._versions = set(connection.execute(sa.select(instructions.c.version)).scalars())
        return self._versions


def _groups(submissions: Sequence[Submission]) -> Iterator[Sequence[Submission]]:
    for start in range(0, len(submissions), GROUP):
        yield submissions[start : start + GROUP]


def _submit(
    connection: Connection, now: float, group: Sequence[Submission], versions: set[str]
) -> list[Receipt]:
    validator = SubmissionValidator(connection, now, group, versions)
    receipts = [validator.receipt(submission) for submission in group]
    if validator.accepted:
        last_event = _write(connection, validator.entries, validator.live_labels)
        worked = worked_seconds(validator, now, validator.accepted)
        _close_assignments(connection, now, validator.accepted, worked)
        counted = [
            CountedAnswer(each.label, worked[each.label.id], is_new=validator.is_first(each))
            for each in validator.accepted
        ]
        count_answers(connection, now, last_event, counted)
        flags = [each for each in validator.accepted if each.label.answer == "flag"]
        hold(connection, now, [flag for flag in flags if flag.is_harmful])
    return receipts


def _write(
    connection: Connection,
    entries: Sequence[LedgerEntry],
    live: dict[tuple[str, str], str] | None = None,
) -> int:
    """Append entries to the ledger and apply them to the tables of labels and quality checks.

    Return the last event.
    """
    written = append(connection, entries)
    contents = [(event, content) for event, (_, content) in zip(written, entries, strict=True)]
    of_labels = [each for each in contents if each[0].kind in KINDS]
    if of_labels:
        fold(connection, of_labels, live)
    if len(of_labels) < len(contents):
        of_checks = [each for each in contents if each[0].kind in CHECK_KINDS]
        fold_quality_checks(connection, of_checks)
    return written[-1].sequence


def _close_assignments(
    connection: Connection,
    now: float,
    accepted: Sequence[Submission],
    worked: Mapping[str, float],
) -> None:
    closed: dict[str, RowDict] = {}
    for each in accepted:
        row = _closed(each, now)
        before = closed.get(each.assignment_id, {"more_worked_seconds": 0.0})
        row["more_worked_seconds"] = before["more_worked_seconds"] + worked[each.label.id]
        closed[each.assignment_id] = row
    connection.execute(_CLOSE, list(closed.values()))


def _closed(submission: Submission, now: float) -> RowDict:
    timing = submission.timing
    return {
        "name": submission.assignment_id,
        "new_closed_at": now,
        "new_answer_id": submission.label.id,
        "new_active_seconds": _measured(timing.active_seconds),
        "new_first_key_seconds": _measured(timing.first_key_seconds),
        "new_device": timing.device,
    }


def _measured(seconds: float | None) -> float | None:
    """A measured time; None if it is not finite or negative."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return None
    return seconds


def _withdraw(connection: Connection, answer_id: str, labeler: str) -> Receipt:
    label = next(iter(rows_where(connection, labels, "id", [answer_id])), None)
    row = label or next(iter(rows_where(connection, quality_checks, "id", [answer_id])), None)
    kind = WITHDRAWN if label is not None else CHECK_WITHDRAWN
    if row is None or row["labeler"] != labeler:
        return Receipt(label_id=answer_id, outcome="refused", reason="not_yours")
    if row["ended_by"] is not None:
        query = sa.select(events.c.kind).where(events.c.sequence == row["ended_by"])
        if connection.execute(query).scalar_one() == kind:
            return Receipt(label_id=answer_id, outcome="same")
        return Receipt(label_id=answer_id, outcome="conflict", reason="changed")
    if answer_id not in open_for_change(connection, [answer_id]):
        reason: ReceiptReason = "explained" if row.get("kind") == "training" else "closed"
        return Receipt(label_id=answer_id, outcome="closed", reason=reason)
    key = "label_id" if label is not None else "check_id"
    _write(connection, [(kind, {key: answer_id, "reason": "by its labeler"})])
    _reopen_assignment(connection, answer_id, labeler)
    return Receipt(label_id=answer_id, outcome="stored")


def _reopen_assignment(connection: Connection, answer_id: str, labeler: str) -> None:
    """Lease the assignment to its labeler again, as if it had just been handed out."""
    query = sa.select(assignments.c.id, assignments.c.leased_until - assignments.c.leased_at)
    query = query.where(assignments.c.labeler == labeler, assignments.c.answer_id == answer_id)
    # Mostly the newest answer is withdrawn: in this order it is found in one step.
    found = connection.execute(query.order_by(assignments.c.closed_at.desc()).limit(1)).first()
    if found is None:
        return
    assignment_id, lease_seconds = found
    now = clock.now(connection)
    connection.execute(
        sa.update(assignments)
        .where(assignments.c.id == assignment_id)
        .values(
            closed_at=None,
            answer_id=None,
            handed_at=now,
            leased_at=now,
            leased_until=now + lease_seconds,
        )
    )
