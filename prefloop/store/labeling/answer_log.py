"""Every live answer of labelers, for owners: by question, newest first, a page at a time.

A question is listed where its newest answer that fits the filter stands, and only there. Pages are
found by the number of the ledger's event, so none is counted through: a page of flags or notes
reads an index of those alone, and each row looks only at the answers to its own question.

Answers that are verdicts are left out as long as their batch is open, but for flags and skips: an
owner who saw them could end the contest when it suits.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Answer
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import chunks, rows_where
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.tables import comparisons, events, labels
from prefloop.store.core.team_tables import adjudications, batches, holds, quality_checks, queue
from prefloop.store.labeling.adjudications import Adjudication, adjudication_record
from prefloop.store.labeling.holds import Hold, hold_record
from prefloop.store.labeling.independence import HELD_OUT
from prefloop.store.labeling.recent import AskedQuestion, asked_questions
from prefloop.store.labeling.recount import ADJUDICATED
from prefloop.teamwork import AssignmentKind

AnswerView = Literal["all", "flagged", "noted", "disagreed", "missed", "held", "decided"]
"""Which answers are listed. `disagreed`: people prefer different samples, and no owner has decided.
`missed`: known or repeated questions that were answered otherwise. `held` and `decided` are by
question."""

NEWEST = 2**31 - 1
"""As many events no ledger has: the largest number of a database column."""


@dataclass(frozen=True, kw_only=True)
class AnswerFilter:
    """Which answers are listed. For `held` and `decided`, who held or decided, and when."""

    view: AnswerView = "all"
    labeler: str | None = None
    version: str | None = None
    """Of the instructions."""


@dataclass(frozen=True, kw_only=True)
class LoggedAnswer:
    """A live answer, with when it came."""

    id: str
    comparison_id: str
    labeler: str
    kind: AssignmentKind
    answer: Answer
    chosen: str | None
    shown: tuple[str, ...]
    seconds: float
    """NaN: unknown, as for imported labels."""
    instructions: str
    note: str
    details: Mapping[str, Any]
    is_right: bool | None
    """For known and repeated questions: whether it is the known answer, or the first one."""
    given_at: float
    fits: bool
    """Whether it is one of those that the filter asks for."""


@dataclass(frozen=True, kw_only=True)
class LoggedQuestion:
    """A question with all its live answers, oldest first, and what owners made of it."""

    cursor: int
    """Ask for those before this next."""
    asked: AskedQuestion
    answers: tuple[LoggedAnswer, ...]
    hold: Hold | None
    adjudication: Adjudication | None
    is_for_verdicts: bool
    is_closed: bool
    """Whether its batch is closed: as work it is given to nobody any more."""


class AnswerLog:
    """The answers of all labelers, for owners."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, wanted: AnswerFilter, *, before: int | None = None, limit: int = 20
    ) -> list[LoggedQuestion]:
        """Return up to `limit` questions with answers that fit, the newest first."""
        before = NEWEST if before is None else before
        with self._database.reading() as connection:
            found = _cursors(connection, wanted, before, limit)
            return _questions(connection, wanted, found)

    def question(self, comparison_id: str) -> LoggedQuestion | None:
        """Return one question as it is now; None if there is none with this id."""
        with self._database.reading() as connection:
            found = _questions(connection, AnswerFilter(), [(0, comparison_id)])
            return found[0] if found else None

    def pages(self, wanted: AnswerFilter, *, limit: int = 200) -> Iterator[list[LoggedQuestion]]:
        """Yield all questions, a page at a time, each read in a transaction of its own.

        They are listed once, first: one that is answered meanwhile moves up, and would be passed.
        """
        with self._database.reading() as connection:
            listed = _cursors(connection, wanted, NEWEST, None)
        for start in range(0, len(listed), limit):
            with self._database.reading() as connection:
                found = _questions(connection, wanted, listed[start : start + limit])
            yield found


def _cursors(
    connection: Connection, wanted: AnswerFilter, before: int, limit: int | None
) -> list[tuple[int, str]]:
    """The newest questions before an event, each with the event of its newest answer that fits.

    Without a limit, all of them.
    """
    found: list[tuple[int, str]] = []
    for table in _sources(wanted):
        query = sa.select(table.c.sequence, table.c.comparison_id).where(
            table.c.sequence < before,
            *_fitting(table, wanted),
            *(~_newer(table, other, wanted) for other in _sources(wanted)),
        )
        newest = connection.execute(query.order_by(table.c.sequence.desc()).limit(limit))
        found += [(row.sequence, row.comparison_id) for row in newest]
    return sorted(found, reverse=True)[:limit]


def _sources(wanted: AnswerFilter) -> tuple[sa.Table, ...]:
    if wanted.view == "held":
        return (holds,)
    if wanted.view == "decided":
        return (adjudications,)
    if wanted.view == "disagreed":
        return (labels,)
    return (quality_checks,) if wanted.view == "missed" else (labels, quality_checks)


def _newer(table: sa.Table, other: sa.Table, wanted: AnswerFilter) -> sa.Exists:
    """Whether the row's question has a newer row that fits."""
    newer = other.alias("newer_row")
    query = sa.select(newer.c.sequence).where(
        newer.c.comparison_id == table.c.comparison_id,
        newer.c.sequence > table.c.sequence,
        *_fitting(newer, replace(wanted, version=None)),
    )
    if wanted.version is not None and wanted.view != "held":
        # Searched by version, each row would pass all newer ones of its version.
        query = query.where(_is_of(newer, wanted.version))
    return query.correlate_except(newer).exists()


def _is_of(table: sa.FromClause, version: str) -> sa.ColumnElement[bool]:
    """Whether a row is of a version, in a form that no index is searched by."""
    return sa.func.coalesce(table.c.instructions, "") == version


def _fitting(table: sa.FromClause, wanted: AnswerFilter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a row of a source fits the filter."""
    conditions: list[sa.ColumnElement[bool]] = [table.c.ended_by.is_(None)]
    who = {"held": "held_by", "decided": "decided_by"}.get(wanted.view, "labeler")
    if wanted.labeler is not None:
        conditions.append(table.c[who] == wanted.labeler)
    if wanted.version is not None and wanted.view != "held":
        conditions.append(table.c.instructions == wanted.version)
    if wanted.view in ("held", "decided"):
        return conditions
    # Written out, not bound: only so does SQLite use the indexes of these rows alone.
    if wanted.view == "flagged":
        conditions.append(table.c.answer == sa.literal_column("'flag'"))
    if wanted.view == "noted":
        conditions.append(table.c.note != sa.literal_column("''"))
    if wanted.view == "missed":
        conditions.append(table.c.is_right.is_(False))
    if wanted.view == "disagreed":
        conditions += [_is_contradicted(table), table.c.comparison_id.not_in(ADJUDICATED)]
    return [*conditions, _may_be_seen(table)]


def _is_contradicted(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether somebody else prefers another sample than the row's labeler."""
    other = labels.alias("other_label")
    query = sa.select(other.c.sequence).where(
        other.c.comparison_id == table.c.comparison_id,
        other.c.ended_by.is_(None),
        other.c.answer.in_(PREFERENCES),
        sa.or_(
            other.c.answer != table.c.answer,
            sa.func.coalesce(other.c.chosen, "") != sa.func.coalesce(table.c.chosen, ""),
        ),
    )
    return sa.and_(table.c.answer.in_(PREFERENCES), query.correlate_except(other).exists())


def _may_be_seen(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a row is no verdict of an open batch."""
    asked = comparisons.alias("its_question")
    is_for_verdicts = sa.select(asked.c.id).where(
        asked.c.id == table.c.comparison_id, asked.c.split == HELD_OUT
    )
    closed = (
        sa.select(queue.c.comparison_id)
        .join(batches, batches.c.round == queue.c.round)
        .where(queue.c.comparison_id == table.c.comparison_id, batches.c.frozen_at.is_not(None))
    )
    return sa.or_(
        table.c.answer.not_in(PREFERENCES),
        ~is_for_verdicts.correlate_except(asked).exists(),
        closed.correlate_except(queue, batches).exists(),
    )


def _questions(
    connection: Connection, wanted: AnswerFilter, found: Sequence[tuple[int, str]]
) -> list[LoggedQuestion]:
    names = [name for _, name in found]
    numbers = rows_where(connection, comparisons, "id", names)
    asked = asked_questions(connection, {row["id"]: row["number"] for row in numbers})
    by_id = {each.comparison.id: each for each in asked}
    answers = _answers(connection, wanted, names)
    held = {r["comparison_id"]: hold_record(r) for r in _in_force(connection, holds, names)}
    decided = {
        r["comparison_id"]: adjudication_record(r)
        for r in _in_force(connection, adjudications, names)
    }
    closed = {r["comparison_id"] for chunk in chunks(names) for r in _closed(connection, chunk)}
    return [
        LoggedQuestion(
            cursor=cursor,
            asked=by_id[name],
            answers=tuple(answers[name]),
            hold=held.get(name),
            adjudication=decided.get(name),
            is_for_verdicts=by_id[name].comparison.split == HELD_OUT,
            is_closed=name in closed,
        )
        for cursor, name in found
        if name in by_id
    ]


def _closed(connection: Connection, names: list[str]) -> Sequence[RowMapping]:
    query = sa.select(queue.c.comparison_id).join(batches, batches.c.round == queue.c.round)
    query = query.where(batches.c.frozen_at.is_not(None), queue.c.comparison_id.in_(names))
    return connection.execute(query).mappings().all()


def _in_force(connection: Connection, table: sa.Table, names: Iterable[str]) -> list[RowMapping]:
    return [r for r in rows_where(connection, table, "comparison_id", names) if not r["ended_by"]]


def _answers(
    connection: Connection, wanted: AnswerFilter, names: Iterable[str]
) -> dict[str, list[LoggedAnswer]]:
    """The live answers to questions that an owner may see, oldest first."""
    rows: list[RowMapping] = []
    for chunk in chunks(names):
        for table in (labels, quality_checks):
            query = (
                sa.select(table, events.c.created_at)
                .join(events, events.c.sequence == table.c.sequence)
                .where(
                    table.c.comparison_id.in_(chunk),
                    table.c.ended_by.is_(None),
                    _may_be_seen(table),
                )
            )
            rows += connection.execute(query).mappings()
    found: dict[str, list[LoggedAnswer]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["sequence"]):
        found[row["comparison_id"]].append(_answer(row, wanted))
    return found


def _answer(row: RowMapping, wanted: AnswerFilter) -> LoggedAnswer:
    is_check = "is_right" in row
    return LoggedAnswer(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["labeler"],
        kind=row["kind"] if is_check else "regular",
        answer=row["answer"],
        chosen=row["chosen"],
        shown=tuple(json.loads(row["shown"])),
        seconds=math.nan if row["seconds"] is None else row["seconds"],
        instructions=row["instructions"],
        note=row["note"],
        details=json.loads(row["details"] or "{}"),
        is_right=row["is_right"] if is_check else None,
        given_at=datetime.fromisoformat(row["created_at"]).timestamp(),
        fits=_fits(row, wanted, is_check=is_check),
    )


def _fits(row: RowMapping, wanted: AnswerFilter, *, is_check: bool) -> bool:
    """Whether an answer to a listed question is one of those that the filter asks for."""
    if wanted.view in ("held", "decided"):
        return True
    fits = {
        "all": True,
        "flagged": row["answer"] == "flag",
        "noted": row["note"] != "",
        "disagreed": not is_check and row["answer"] in PREFERENCES,
        "missed": is_check and row["is_right"] is False,
    }
    return (
        fits[wanted.view]
        and wanted.labeler in (None, row["labeler"])
        and wanted.version in (None, row["instructions"])
    )
