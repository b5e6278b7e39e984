"""Exclusions: a labeler's answers do not count until the exclusion is undone. Nothing is deleted.

rule_applied  the labeler's answers are left out from this event on
rule_undone   they count again

Comparisons of an open batch that lack answers because of that are given to others.
"""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.tables import labels
from prefloop.store.core.team_rows import exclusion_record
from prefloop.store.core.team_tables import exclusions, people
from prefloop.store.labeling.recount import EXCLUDED, recount_answered_by
from prefloop.store.people.people import known_person
from prefloop.teamwork import Exclusion

APPLIED = "rule_applied"
UNDONE = "rule_undone"

INTRODUCTION = "introduction not passed"
"""The exclusion of whoever failed the introduction. It ends when they are let through."""


class Exclusions:
    """The exclusions of a store, including those that were undone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(self, name: str, labeler: str, reason: str, by: str) -> Exclusion:
        """Leave a labeler's answers out; return an exclusion of this name in force unchanged."""
        if not name.strip() or not reason.strip():
            raise StoreError("An exclusion needs a name and a reason: the labeler may ask for it.")
        if name == INTRODUCTION:
            raise StoreError(f"“{name}” is the name that the introduction gives. Choose another.")
        with self._database.writing() as connection:
            return _record(connection, _exclude(connection, name, labeler, reason, by))

    def undo(self, exclusion_id: str, by: str) -> Exclusion:
        """Let the labeler's answers count again; an exclusion undone before stays unchanged."""
        with self._database.writing() as connection:
            row = _known(connection, exclusion_id)
            if row["ended_by"] is None and row["name"] == INTRODUCTION:
                raise StoreError(
                    f"{row['labeler']} has not passed the introduction. Let them through on the "
                    "page of people: then their answers count."
                )
            if row["ended_by"] is None:
                _end(connection, row, by)
            return _record(connection, _known(connection, exclusion_id))

    def qualify(
        self, person_id: str, *, has_passed: bool, by: str = "prefloop", reason: str = ""
    ) -> None:
        """Record the result of a person's introduction; an owner may let them through.

        Whoever failed is excluded until they pass: none of their answers counts, also of those
        that they gave before. Both are events of the ledger, so what a round was trained on stays.
        """
        with self._database.writing() as connection:
            name = known_person(connection, person_id)["name"]
            query = sa.update(people).where(people.c.id == person_id)
            connection.execute(query.values(qualification="passed" if has_passed else "failed"))
            if has_passed:
                _end_named(connection, INTRODUCTION, name, by)
            else:
                why = reason or "Too few answers in the introduction were right."
                _exclude(connection, INTRODUCTION, name, why, by)

    def all(self) -> list[Exclusion]:
        """Return every exclusion, in the order in which they were applied."""
        with self._database.reading() as connection:
            rows = (
                connection.execute(sa.select(exclusions).order_by(exclusions.c.sequence))
                .mappings()
                .all()
            )
            return [_record(connection, row) for row in rows]

    def excluded(self) -> set[str]:
        """Return the names of the labelers who are excluded now."""
        with self._database.reading() as connection:
            return set(connection.execute(excluded_at(None)).scalars())


def _exclude(connection: Connection, name: str, labeler: str, reason: str, by: str) -> RowMapping:
    """Leave a labeler's answers out; return the row, of before if they are left out by this name.

    What they have answered in open batches is asked of others.
    """
    stored = _in_force(connection, name, labeler)
    if stored is None:
        _require_labeler(connection, labeler)
        stored = _insert(connection, name, labeler, reason, by)
        recount_answered_by(connection, labeler)
    return stored


def _end_named(connection: Connection, name: str, labeler: str, by: str) -> None:
    """Let a labeler's answers count again, if an exclusion of this name leaves them out."""
    stored = _in_force(connection, name, labeler)
    if stored is not None:
        _end(connection, stored, by)


def _end(connection: Connection, row: RowMapping, by: str) -> None:
    content = {"id": row["id"], "labeler": row["labeler"], "by": by}
    event = ledger.append(connection, [(UNDONE, content)])[0]
    query = sa.update(exclusions).where(exclusions.c.id == row["id"])
    undone_at = clock.now(connection)
    connection.execute(query.values(undone_by=by, undone_at=undone_at, ended_by=event.sequence))
    recount_answered_by(connection, row["labeler"])


def excluded_at(sequence: int | None) -> sa.Select[Any]:
    """Return the query for the labelers excluded at an event of the ledger; None: now."""
    if sequence is None:
        return EXCLUDED
    query = sa.select(exclusions.c.labeler)
    is_in_force = sa.or_(exclusions.c.ended_by.is_(None), exclusions.c.ended_by > sequence)
    return query.where(exclusions.c.sequence <= sequence, is_in_force)


def _in_force(connection: Connection, name: str, labeler: str) -> RowMapping | None:
    query = sa.select(exclusions).where(
        exclusions.c.name == name, exclusions.c.labeler == labeler, exclusions.c.ended_by.is_(None)
    )
    return connection.execute(query).mappings().first()


def _known(connection: Connection, exclusion_id: str) -> RowMapping:
    row = (
        connection.execute(sa.select(exclusions).where(exclusions.c.id == exclusion_id))
        .mappings()
        .first()
    )
    if row is None:
        raise StoreError(
            f"There is no exclusion with the id {exclusion_id}. Look at the list of exclusions."
        )
    return row


def _require_labeler(connection: Connection, labeler: str) -> None:
    for column in (labels.c.labeler, people.c.name):
        if connection.execute(sa.select(column).where(column == labeler).limit(1)).first():
            return
    raise StoreError(f"There is no labeler called {labeler!r}. Check the name.")


def _insert(connection: Connection, name: str, labeler: str, reason: str, by: str) -> RowMapping:
    content = {"id": uuid.uuid4().hex, "name": name, "labeler": labeler, "reason": reason}
    event = ledger.append(connection, [(APPLIED, content | {"by": by})])[0]
    row = content | {"sequence": event.sequence, "applied_by": by}
    row["applied_at"] = clock.now(connection)
    connection.execute(sa.insert(exclusions).values(row))
    return _known(connection, content["id"])


def _record(connection: Connection, row: RowMapping) -> Exclusion:
    query = sa.select(sa.func.count()).select_from(labels)
    query = query.where(labels.c.labeler == row["labeler"], labels.c.ended_by.is_(None))
    return exclusion_record(row, connection.execute(query).scalar_one())
