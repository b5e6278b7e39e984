"""Adjudications: owners' verdicts on questions, each an event of its own.

adjudicated         training reads this verdict from here on, in place of the question's labels
adjudication_ended  it reads the labels again

No label is changed or ended by it. A verdict that replaces another names it, so that two owners who
decide at once cannot overwrite each other: the second sees what the first said.
"""

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import ConflictError, StoreError
from prefloop.label_types.ranking.type import RANKING
from prefloop.label_types.types import type_of
from prefloop.records import Answer, Comparison, Label
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import refuse
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.tables import comparisons
from prefloop.store.core.team_tables import adjudications, instructions
from prefloop.store.labeling.independence import HELD_OUT
from prefloop.store.labeling.questions import comparisons_by_id
from prefloop.store.labeling.recount import recount

DECIDED = "adjudicated"
WITHDRAWN = "adjudication_ended"
MOST_QUOTED = 300
"""Characters of another owner's reason in a message."""


@dataclass(frozen=True, kw_only=True)
class OwnersVerdict:
    """What an owner decides on a question."""

    comparison_id: str
    answer: Answer
    """As a label's; `skip` leaves the question out of training."""
    chosen: str | None = None
    """The id of the best sample; None unless `answer` is `best`."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the question's label type wants besides: with `best` on a ranking, the `ranking`."""
    reason: str = ""
    replaces: str | None = None
    """The id of the verdict that the owner saw; None: they saw none."""


@dataclass(frozen=True, kw_only=True)
class Adjudication:
    """An owner's verdict on a question: training reads it in place of the question's labels."""

    id: str
    comparison_id: str
    answer: Answer
    chosen: str | None
    details: Mapping[str, Any]
    reason: str
    instructions: str
    """Version of the instructions that was in force."""
    decided_by: str
    decided_at: float


class Adjudications:
    """The owners' verdicts on questions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, verdict: OwnersVerdict, by: str) -> Adjudication:
        """Store an owner's verdict; the same one again changes nothing.

        Raises a ConflictError, which says what stands, if the verdict in force is not the one that
        this one `replaces`; a StoreError if it is no answer to the question.
        """
        with self._database.writing() as connection:
            stored = _in_force(connection, verdict.comparison_id)
            if stored is not None and stored["id"] != verdict.replaces:
                found = adjudication_record(stored)
                if _is_same(found, verdict, by):
                    return found
                raise ConflictError(_stands(connection, found))
            version = _validate(connection, verdict, by)
            content: dict[str, Any] = {
                "id": uuid.uuid4().hex,
                "comparison_id": verdict.comparison_id,
                "answer": verdict.answer,
                "chosen": verdict.chosen,
                "details": dict(verdict.details),
                "reason": verdict.reason,
                "instructions": version,
            }
            more = {"by": by, "replaces": None if stored is None else stored["id"]}
            event = ledger.append(connection, [(DECIDED, content | more)])[0]
            _end(connection, stored, event.sequence)
            row = content | {"sequence": event.sequence, "decided_by": by}
            row |= {"decided_at": clock.now(connection), "details": stored_details(content)}
            connection.execute(sa.insert(adjudications).values(row))
            recount(connection, [verdict.comparison_id])
            return adjudication_record(row)

    def withdraw(self, adjudication_id: str, by: str) -> None:
        """End a verdict: training reads the labels again. One that has ended stays so."""
        with self._database.writing() as connection:
            query = sa.select(adjudications).where(adjudications.c.id == adjudication_id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise StoreError(f"There is no owner's verdict {adjudication_id}. Reload the page.")
            if row["ended_by"] is None:
                content = {"id": adjudication_id, "by": by}
                event = ledger.append(connection, [(WITHDRAWN, content)])[0]
                _end(connection, row, event.sequence)
                recount(connection, [row["comparison_id"]])

    def in_force(self) -> list[Adjudication]:
        """Return the verdicts that hold, the oldest first."""
        query = sa.select(adjudications).where(adjudications.c.ended_by.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(adjudications.c.sequence)).mappings()
            return [adjudication_record(row) for row in rows]


def _is_same(found: Adjudication, verdict: OwnersVerdict, by: str) -> bool:
    said = (verdict.answer, verdict.chosen, dict(verdict.details), verdict.reason, by)
    stands = (found.answer, found.chosen, dict(found.details), found.reason, found.decided_by)
    return stands == said


def _stands(connection: Connection, found: Adjudication) -> str:
    """What another owner said meanwhile, for the one who decides now."""
    at = datetime.fromtimestamp(found.decided_at, UTC)
    said = found.answer.replace("_", " ")
    if found.chosen is not None:
        asked = comparisons_by_id(connection, [found.comparison_id])[found.comparison_id]
        said = f"sample {asked.sample_ids.index(found.chosen) + 1} is best"
    reason = f": {found.reason[:MOST_QUOTED]}" if found.reason else ""
    return (
        f"{found.decided_by} decided on this question at {at:%H:%M} UTC ({said}{reason}). "
        "Look at that, then change it if you disagree."
    )


def _end(connection: Connection, row: RowMapping | None, sequence: int) -> None:
    if row is not None:
        query = sa.update(adjudications).where(adjudications.c.sequence == row["sequence"])
        connection.execute(query.values(ended_by=sequence))


def _in_force(connection: Connection, comparison_id: str) -> RowMapping | None:
    query = sa.select(adjudications).where(
        adjudications.c.comparison_id == comparison_id, adjudications.c.ended_by.is_(None)
    )
    return connection.execute(query).mappings().first()


def _validate(connection: Connection, verdict: OwnersVerdict, by: str) -> str:
    """Return the version of the instructions in force, after refusing what is no answer."""
    comparison = comparisons_by_id(connection, [verdict.comparison_id]).get(verdict.comparison_id)
    if comparison is None:
        raise StoreError(f"There is no question {verdict.comparison_id} to decide on.")
    if comparison.split == HELD_OUT:
        raise StoreError(
            "Answers to this question are verdicts of independent people: no owner decides on them."
        )
    query = sa.select(instructions.c.version).order_by(instructions.c.number.desc()).limit(1)
    version = str(connection.execute(query).scalar() or "")
    label = Label(
        id="of the owner",
        comparison_id=comparison.id,
        labeler=by,
        answer=verdict.answer,
        chosen=verdict.chosen,
        details=verdict.details,
        shown=comparison.sample_ids,
        seconds=math.nan,
        instructions=version,
    )
    kind = type_of(comparison)
    problems = kind.problems(label, comparison.sample_ids)
    if verdict.answer == "best" and kind is RANKING and "ranking" not in verdict.details:
        problems = ["this question asks for a ranking: give `details.ranking`, all its samples by "
                    "place, the best first; or say `tie`, `all_bad` or `skip`"]  # fmt: skip
    if verdict.answer == "flag":
        problems.append("a flag is no verdict; `skip` leaves the question out of training")
    refuse("An owner's verdict", problems)
    return version


def stored_details(content: Mapping[str, Any]) -> str | None:
    """Return the details in the payload of a verdict's event as its row has them."""
    details = content.get("details")
    return json.dumps(details, sort_keys=True) if details else None


def _details(row: RowMapping, comparison: Comparison) -> Mapping[str, Any]:
    """Return what a verdict says besides the best sample.

    Before schema 0006 owners named the best sample of a ranking alone: the others share a place.
    """
    if row["details"] is not None or row["chosen"] is None:
        return _stored(row)
    ids = comparison.sample_ids
    scores = np.array([float(name == row["chosen"]) for name in ids])
    return type_of(comparison).from_scores(scores, ids, tie_margin=0.5).details


def _stored(row: RowMapping) -> dict[str, Any]:
    details: dict[str, Any] = json.loads(row["details"] or "{}")
    return details


def as_label(row: RowMapping, comparison: Comparison) -> Label:
    """Return the verdict in a row as the label that training reads."""
    return Label(
        id=row["id"],
        comparison_id=row["comparison_id"],
        labeler=row["decided_by"],
        answer=row["answer"],
        chosen=row["chosen"],
        details=_details(row, comparison),
        shown=comparison.sample_ids,
        seconds=math.nan,
        instructions=row["instructions"],
        note=row["reason"],
    )


def labels_of_owners(
    connection: Connection, *, round: int | None, split: str | None, as_of: int | None
) -> list[tuple[int, Label]]:
    """Return the verdicts in force (now, or at an event) as labels, each with its event."""
    query = sa.select(adjudications).where(*adjudicated_at(as_of))
    query = query.join(comparisons, comparisons.c.id == adjudications.c.comparison_id)
    if round is not None:
        query = query.where(comparisons.c.round == round)
    if split is not None:
        query = query.where(comparisons.c.split == split)
    rows = connection.execute(query).mappings().all()
    asked = comparisons_by_id(connection, [row["comparison_id"] for row in rows])
    return [(row["sequence"], as_label(row, asked[row["comparison_id"]])) for row in rows]


def adjudicated_at(sequence: int | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a verdict holds now, or at an event of the ledger."""
    if sequence is None:
        return [adjudications.c.ended_by.is_(None)]
    is_in_force = sa.or_(adjudications.c.ended_by.is_(None), adjudications.c.ended_by > sequence)
    return [adjudications.c.sequence <= sequence, is_in_force]


def adjudication_record(row: RowMapping) -> Adjudication:
    """Return the adjudication in a row."""
    return Adjudication(
        id=row["id"],
        comparison_id=row["comparison_id"],
        answer=row["answer"],
        chosen=row["chosen"],
        details=_stored(row),
        reason=row["reason"],
        instructions=row["instructions"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )
