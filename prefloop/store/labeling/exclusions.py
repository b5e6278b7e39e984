"""Exclusions: whose answers do not count, why, and until when. Nothing is ever deleted.

rule_applied  the labeler's answers are left out from here on
rule_undone   they count again

Questions that thereby lack answers, in a batch that is open still, are asked of others.
"""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.rows import Columns
from prefloop.store.core.tables import labels
from prefloop.store.core.team_rows import rule_record
from prefloop.store.core.team_tables import people, rules
from prefloop.store.labeling.recount import EXCLUDED, settle_answered_by
from prefloop.teamwork import Exclusion

APPLIED = "rule_applied"
UNDONE = "rule_undone"


class Rules:
    """The exclusions of a store, those that were undone among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(self, name: str, labeler: str, reason: str, by: str) -> Exclusion:
        """Leave a labeler's answers out; the rule of this name that is in force stays as it is."""
        if not name.strip() or not reason.strip():
            raise StoreError("An exclusion needs a name and a reason: the labeler may ask for it.")
        with self._database.writing() as connection:
            stored = _in_force(connection, name, labeler)
            if stored is None:
                _require_labeler(connection, labeler)
                stored = _insert(connection, name, labeler, reason, by)
                settle_answered_by(connection, labeler)
            return _record(connection, stored)

    def undo(self, rule_id: str, by: str) -> Exclusion:
        """Let the labeler's answers count again; a rule that was undone before stays so."""
        with self._database.writing() as connection:
            row = _known(connection, rule_id)
            if row["ended_by"] is None:
                content = {"id": rule_id, "labeler": row["labeler"], "by": by}
                event = ledger.append(connection, [(UNDONE, content)])[0]
                query = sa.update(rules).where(rules.c.id == rule_id)
                undone_at = clock.now(connection)
                connection.execute(
                    query.values(undone_by=by, undone_at=undone_at, ended_by=event.sequence)
                )
                settle_answered_by(connection, row["labeler"])
            return _record(connection, _known(connection, rule_id))

    def all(self) -> list[Exclusion]:
        """Return every rule, in the order in which they were applied."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(rules).order_by(rules.c.sequence)).mappings().all()
            return [_record(connection, row) for row in rows]

    def excluded(self) -> set[str]:
        """Return the names of the labelers whose answers do not count at present."""
        with self._database.reading() as connection:
            return set(connection.execute(excluded_at(None)).scalars())


def excluded_at(sequence: int | None) -> sa.Select[Any]:
    """Return the question for the labelers left out at an event of the ledger; None: at present."""
    if sequence is None:
        return EXCLUDED
    query = sa.select(rules.c.labeler)
    is_in_force = sa.or_(rules.c.ended_by.is_(None), rules.c.ended_by > sequence)
    return query.where(rules.c.sequence <= sequence, is_in_force)


def _in_force(connection: Connection, name: str, labeler: str) -> Columns | None:
    query = sa.select(rules).where(
        rules.c.name == name, rules.c.labeler == labeler, rules.c.ended_by.is_(None)
    )
    return connection.execute(query).mappings().first()


def _known(connection: Connection, rule_id: str) -> Columns:
    row = connection.execute(sa.select(rules).where(rules.c.id == rule_id)).mappings().first()
    if row is None:
        raise StoreError(f"There is no rule with the id {rule_id}. Look at the list of rules.")
    return row


def _require_labeler(connection: Connection, labeler: str) -> None:
    for column in (labels.c.labeler, people.c.name):
        if connection.execute(sa.select(column).where(column == labeler).limit(1)).first():
            return
    raise StoreError(f"Nobody called {labeler!r} has labeled or may. Check the name.")


def _insert(connection: Connection, name: str, labeler: str, reason: str, by: str) -> Columns:
    content = {"id": uuid.uuid4().hex, "name": name, "labeler": labeler, "reason": reason}
    event = ledger.append(connection, [(APPLIED, content | {"by": by})])[0]
    row = content | {"sequence": event.sequence, "applied_by": by}
    row["applied_at"] = clock.now(connection)
    connection.execute(sa.insert(rules).values(row))
    return _known(connection, content["id"])


def _record(connection: Connection, row: Columns) -> Exclusion:
    query = sa.select(sa.func.count()).select_from(labels)
    query = query.where(labels.c.labeler == row["labeler"], labels.c.ended_by.is_(None))
    return rule_record(row, connection.execute(query).scalar_one())
