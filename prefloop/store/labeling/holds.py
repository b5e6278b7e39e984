"""Questions on hold: handed to nobody until an owner has looked at them.

question_held      somebody flagged the question as harmful; it is held from this event on
question_released  an owner has looked: it is asked as before

An answer to a question that somebody had on screen is stored all the same. Taking the flag back
does not release the question: only an owner does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import rows_where
from prefloop.store.core.rows import RowDict, RowMapping
from prefloop.store.core.team_tables import holds
from prefloop.store.labeling.recount import ON_HOLD, recount
from prefloop.teamwork import Submission

HELD = "question_held"
RELEASED = "question_released"

HARMFUL = "Harmful: it should not be shown to anyone"
"""The reason of a flag that holds its question at once. The page sends it as the note, in front."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A question that somebody flagged as harmful: handed to nobody until an owner releases it."""

    comparison_id: str
    answer_id: str
    """The flag that brought it; it may have been taken back since."""
    held_by: str
    reason: str
    held_at: float
    released_by: str | None = None
    released_at: float | None = None


class Holds:
    """The questions on hold, and their release."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def release(self, comparison_id: str, by: str) -> Hold:
        """Let a question be asked as before; one that was released before stays so."""
        with self._database.writing() as connection:
            row = _newest(connection, comparison_id)
            if row["ended_by"] is None:
                content = {"comparison_id": comparison_id, "by": by}
                event = ledger.append(connection, [(RELEASED, content)])[0]
                ended = {"released_by": by, "released_at": clock.now(connection)}
                query = sa.update(holds).where(holds.c.sequence == row["sequence"])
                connection.execute(query.values(ended_by=event.sequence, **ended))
                recount(connection, [comparison_id])
            return hold_record(_newest(connection, comparison_id))

    def in_force(self) -> list[Hold]:
        """Return the questions on hold, the first one first."""
        query = sa.select(holds).where(holds.c.ended_by.is_(None)).order_by(holds.c.sequence)
        with self._database.reading() as connection:
            return [hold_record(row) for row in connection.execute(query).mappings()]


def hold(connection: Connection, now: float, flags: Sequence[Submission]) -> None:
    """Hold the questions that these flags call harmful; one on hold stays as it is."""
    first = {flag.label.comparison_id: flag.label for flag in reversed(flags)}
    held = set(connection.execute(ON_HOLD).scalars()) if first else set()
    new = [label for name, label in first.items() if name not in held]
    contents = [
        {
            "comparison_id": label.comparison_id,
            "answer_id": label.id,
            "by": label.labeler,
            "reason": label.note,
        }
        for label in new
    ]
    written = ledger.append(connection, [(HELD, content) for content in contents])
    rows: list[RowDict] = [
        {
            "sequence": event.sequence,
            "comparison_id": label.comparison_id,
            "answer_id": label.id,
            "held_by": label.labeler,
            "reason": label.note,
            "held_at": now,
        }
        for event, label in zip(written, new, strict=True)
    ]
    if rows:
        connection.execute(sa.insert(holds), rows)
        recount(connection, [label.comparison_id for label in new])


def _newest(connection: Connection, comparison_id: str) -> RowMapping:
    rows = rows_where(connection, holds, "comparison_id", [comparison_id])
    if not rows:
        raise StoreError(
            f"Question {comparison_id} was never on hold. Look at the list of those that are."
        )
    return max(rows, key=lambda row: row["sequence"])


def hold_record(row: RowMapping) -> Hold:
    """Return the hold in a row."""
    return Hold(
        comparison_id=row["comparison_id"],
        answer_id=row["answer_id"],
        held_by=row["held_by"],
        reason=row["reason"],
        held_at=row["held_at"],
        released_by=row["released_by"],
        released_at=row["released_at"],
    )
