"""Answers on their way into the store: many in one transaction, each with a receipt.

`receipts.py` says what becomes of each. Every answer is an event of the ledger first.
"""

import math
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store import checks, clock, team_tables
from prefloop.store.database import Database
from prefloop.store.insertion import rows_where
from prefloop.store.labels import WITHDRAWN, fold
from prefloop.store.ledger import append
from prefloop.store.own_answers import open_for_change
from prefloop.store.receipts import CHANGED, CLOSED, NOT_YOURS, TRAINING, Judge
from prefloop.store.rows import Row
from prefloop.store.tables import events, labels
from prefloop.store.tallies import count_answers
from prefloop.store.team_tables import views
from prefloop.teamwork import Receipt, Submission

GROUP = 250
"""Submissions that are looked up together: their ids fit into one question to any database."""


class Answers:
    """Takes in what labelers answer, and lets them take it back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt]:
        """Return a receipt for each submission; what they say is on the disk by then."""
        with self._database.writing() as connection:
            now = clock.now(connection)
            return [
                receipt
                for group in _groups(submissions)
                for receipt in _submit(connection, now, group)
            ]

    def withdraw(self, answer_id: str, labeler: str) -> Receipt:
        """Take an answer of the labeler's own back; its question is theirs to answer again."""
        with self._database.writing() as connection:
            return _withdraw(connection, answer_id, labeler)


def _groups(submissions: Sequence[Submission]) -> Iterator[Sequence[Submission]]:
    for start in range(0, len(submissions), GROUP):
        yield submissions[start : start + GROUP]


def _submit(connection: Connection, now: float, group: Sequence[Submission]) -> list[Receipt]:
    judge = Judge(connection, group)
    receipts = [judge.receipt(submission) for submission in group]
    if judge.taken:
        written = append(connection, judge.lines)
        fold(connection, written)
        checks.fold_checks(connection, written)
        _close_views(connection, now, judge.taken)
        _tally(connection, now, judge.taken)
    return receipts


def _close_views(connection: Connection, now: float, taken: Sequence[Submission]) -> None:
    closed = {each.view_id: _closed(each, now) for each in taken}
    names = ("closed_at", "answer_id", "active_seconds", "first_key_seconds", "device")
    query = sa.update(views).where(views.c.id == sa.bindparam("name"))
    query = query.values({views.c[name]: sa.bindparam(f"new_{name}") for name in names})
    connection.execute(query, list(closed.values()))


def _closed(submission: Submission, now: float) -> Row:
    timing = submission.timing
    return {
        "name": submission.view_id,
        "new_closed_at": now,
        "new_answer_id": submission.label.id,
        "new_active_seconds": _measured(timing.active_seconds),
        "new_first_key_seconds": _measured(timing.first_key_seconds),
        "new_device": timing.device,
    }


def _measured(seconds: float | None) -> float | None:
    """A time as a stopwatch can show it; what none can show is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return None
    return seconds


def _tally(connection: Connection, now: float, taken: Sequence[Submission]) -> None:
    # Whoever changes an answer has answered one question, not two.
    first = [each for each in taken if each.replaces is None]
    active = {each.label.id: _measured(each.timing.active_seconds) for each in first}
    known = {name: seconds for name, seconds in active.items() if seconds is not None}
    count_answers(connection, now, [each.label for each in first], known)


def _withdraw(connection: Connection, answer_id: str, labeler: str) -> Receipt:
    label = next(iter(rows_where(connection, labels, "id", [answer_id])), None)
    row = label or next(iter(rows_where(connection, team_tables.checks, "id", [answer_id])), None)
    kind = WITHDRAWN if label is not None else checks.WITHDRAWN
    if row is None or row["labeler"] != labeler:
        return Receipt(label_id=answer_id, outcome="refused", told=NOT_YOURS)
    if row["ended_by"] is not None:
        query = sa.select(events.c.kind).where(events.c.sequence == row["ended_by"])
        if connection.execute(query).scalar_one() == kind:
            return Receipt(label_id=answer_id, outcome="same")
        return Receipt(label_id=answer_id, outcome="conflict", told=CHANGED)
    if answer_id not in open_for_change(connection, [answer_id]):
        told = TRAINING if row.get("kind") == "training" else CLOSED
        return Receipt(label_id=answer_id, outcome="closed", told=told)
    key = "label_id" if label is not None else "check_id"
    written = append(connection, [(kind, {key: answer_id, "reason": "by its labeler"})])
    fold(connection, written)
    checks.fold_checks(connection, written)
    _reopen_view(connection, answer_id, labeler)
    return Receipt(label_id=answer_id, outcome="stored")


def _reopen_view(connection: Connection, answer_id: str, labeler: str) -> None:
    """Lease the question to its labeler again, as if it had just been handed out."""
    query = sa.select(views.c.id, views.c.leased_until - views.c.leased_at)
    query = query.where(views.c.labeler == labeler, views.c.answer_id == answer_id)
    # What is taken back is mostly the newest: found in one step, however many there are.
    found = connection.execute(query.order_by(views.c.closed_at.desc()).limit(1)).first()
    if found is None:
        return
    view_id, lease_seconds = found
    now = clock.now(connection)
    connection.execute(
        sa.update(views)
        .where(views.c.id == view_id)
        .values(closed_at=None, answer_id=None, leased_at=now, leased_until=now + lease_seconds)
    )
