"""Answers on their way into the store: many in one transaction, each with a receipt.

`receipts.py` says what becomes of each. Every answer is an event of the ledger first.
"""

import math
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock, team_tables
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.ledger import append
from prefloop.store.core.rows import Row
from prefloop.store.core.tables import events, labels
from prefloop.store.core.team_tables import instructions, views
from prefloop.store.labeling import quality_checks as checks
from prefloop.store.labeling.labels import KINDS, WITHDRAWN, fold
from prefloop.store.labeling.own_answers import open_for_change
from prefloop.store.labeling.submissions import CHANGED, CLOSED, NOT_YOURS, TRAINING, Judge, Line
from prefloop.store.labeling.tallies import count_answers
from prefloop.teamwork import Receipt, Submission

GROUP = 250
"""Submissions that are looked up together: their ids fit into one question to any database."""


_CLOSE = sa.update(views).where(views.c.id == sa.bindparam("name"))
_CLOSE = _CLOSE.values(
    closed_at=sa.bindparam("new_closed_at"),
    answer_id=sa.bindparam("new_answer_id"),
    active_seconds=sa.bindparam("new_active_seconds"),
    first_key_seconds=sa.bindparam("new_first_key_seconds"),
    device=sa.bindparam("new_device"),
    is_tallied=True,
)


class Answers:
    """Takes in what labelers answer, and lets them take it back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions: set[str] = set()

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt]:
        """Return a receipt for each submission; what they say is on the disk by then."""
        with self._database.writing() as connection:
            now = clock.now(connection)
            versions = self._known_versions(connection, submissions)
            return [
                receipt
                for group in _groups(submissions)
                for receipt in _submit(connection, now, Judge(connection, group, versions), group)
            ]

    def withdraw(self, answer_id: str, labeler: str) -> Receipt:
        """Take an answer of the labeler's own back; its question is theirs to answer again."""
        with self._database.writing() as connection:
            return _withdraw(connection, answer_id, labeler)

    def _known_versions(
        self, connection: Connection, submissions: Sequence[Submission]
    ) -> set[str]:
        """The versions of the instructions. None ever goes away: they are read when one is new."""
        if not self._versions.issuperset(each.label.instructions for each in submissions):
            self._versions = set(connection.execute(sa.select(instructions.c.version)).scalars())
        return self._versions


def _groups(submissions: Sequence[Submission]) -> Iterator[Sequence[Submission]]:
    for start in range(0, len(submissions), GROUP):
        yield submissions[start : start + GROUP]


def _submit(
    connection: Connection, now: float, judge: Judge, group: Sequence[Submission]
) -> list[Receipt]:
    receipts = [judge.receipt(submission) for submission in group]
    if judge.taken:
        _write(connection, judge.lines, judge.live_labels)
        _close_views(connection, now, judge.taken)
        _tally(connection, now, [each for each in judge.taken if judge.is_first(each)])
    return receipts


def _write(
    connection: Connection,
    lines: Sequence[Line],
    live: dict[tuple[str, str], str] | None = None,
) -> None:
    """Write lines to the ledger, and apply them to the tables of labels and checks."""
    written = append(connection, lines)
    contents = [(event, content) for event, (_, content) in zip(written, lines, strict=True)]
    of_labels = [each for each in contents if each[0].kind in KINDS]
    if of_labels:
        fold(connection, of_labels, live)
    if len(of_labels) < len(contents):
        checks.fold_checks(connection, [each for each in contents if each[0].kind in checks.KINDS])


def _close_views(connection: Connection, now: float, taken: Sequence[Submission]) -> None:
    closed = {each.view_id: _closed(each, now) for each in taken}
    connection.execute(_CLOSE, list(closed.values()))


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


def _tally(connection: Connection, now: float, first: Sequence[Submission]) -> None:
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
    _write(connection, [(kind, {key: answer_id, "reason": "by its labeler"})])
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
