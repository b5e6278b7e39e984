"""The cord: anybody who labels can stop the run; only its owner lets it go on.

cord_pulled        a new cord, and the run will stop
cord_pulled_again  one more reason, while it is taut
cord_stopped       the trainer stands still, its checkpoint is written
cord_released      the owner has looked, and says how the run goes on
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError, listing
from prefloop.store.core import clock, ledger
from prefloop.store.core.database import Database
from prefloop.store.core.insertion import prompts_of_samples
from prefloop.store.core.rows import Columns
from prefloop.store.core.team_rows import cord_record
from prefloop.store.core.team_tables import cords, trainer
from prefloop.teamwork import StopAction, StopRequest

PULLED = "cord_pulled"
PULLED_AGAIN = "cord_pulled_again"
STOPPED = "cord_stopped"
RELEASED = "cord_released"


class StopRequests:
    """Every pull of the cord, and what came of it. At most one cord is taut."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pull(self, by: str, reason: str, samples: Sequence[str] = ()) -> StopRequest:
        """Return the cord that is taut from now on; pulling it again adds a reason.

        Samples that the store does not know are left out: a pull fails for nothing.
        """
        with self._database.writing() as connection:
            known = prompts_of_samples(connection, samples)
            content: dict[str, Any] = {"by": by, "reason": reason}
            content["samples"] = [sample for sample in samples if sample in known]
            row = _taut(connection)
            if row is None:
                return _new(connection, content)
            ledger.append(connection, [(PULLED_AGAIN, content | {"id": row["id"]})])
            return cord_record(row)

    def taut(self) -> StopRequest | None:
        """Return the cord that was pulled and not released."""
        with self._database.reading() as connection:
            row = _taut(connection)
        return None if row is None else cord_record(row)

    def stopped(self, cord_id: str, update: int) -> StopRequest:
        """Note at which update the trainer stands still; a second note changes nothing."""
        with self._database.writing() as connection:
            row = _known(connection, cord_id)
            # The owner may have been faster than the trainer's checkpoint.
            if row["stopped_at"] is not None or row["released_at"] is not None:
                return cord_record(row)
            ledger.append(connection, [(STOPPED, {"id": cord_id, "update": update})])
            stopped_at = clock.now(connection)
            return _change(connection, cord_id, {"stopped_at": stopped_at, "update": update})

    def release(
        self,
        cord_id: str,
        by: str,
        checked: str,
        action: StopAction,
        roll_back_to: int | None = None,
    ) -> StopRequest:
        """Let the run go on, from where it stands or from an earlier checkpoint."""
        with self._database.writing() as connection:
            row = _known(connection, cord_id)
            if row["released_at"] is not None:
                raise StoreError(f"This cord was released already, by {row['released_by']}.")
            problems = _problems(connection, checked, action, roll_back_to)
            if problems:
                raise StoreError(listing("The release of the cord", problems))
            content = {
                "released_by": by,
                "checked": checked,
                "action": action,
                "roll_back_to": roll_back_to,
            }
            ledger.append(connection, [(RELEASED, content | {"id": cord_id})])
            return _change(connection, cord_id, content | {"released_at": clock.now(connection)})

    def all(self) -> list[StopRequest]:
        """Return every cord, in the order in which they were pulled."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(cords).order_by(cords.c.sequence)).mappings()
            return [cord_record(row) for row in rows]


def _taut(connection: Connection) -> Columns | None:
    query = sa.select(cords).where(cords.c.released_at.is_(None))
    return connection.execute(query.order_by(cords.c.sequence).limit(1)).mappings().first()


def _known(connection: Connection, cord_id: str) -> Columns:
    row = connection.execute(sa.select(cords).where(cords.c.id == cord_id)).mappings().first()
    if row is None:
        raise StoreError(f"There is no cord with the id {cord_id}. Look at the list of cords.")
    return row


def _new(connection: Connection, content: dict[str, Any]) -> StopRequest:
    cord_id = uuid.uuid4().hex
    event = ledger.append(connection, [(PULLED, content | {"id": cord_id})])[0]
    connection.execute(
        sa.insert(cords).values(
            sequence=event.sequence,
            id=cord_id,
            pulled_by=content["by"],
            reason=content["reason"],
            samples=json.dumps(content["samples"]),
            pulled_at=clock.now(connection),
        )
    )
    return cord_record(_known(connection, cord_id))


def _change(connection: Connection, cord_id: str, values: dict[str, Any]) -> StopRequest:
    connection.execute(sa.update(cords).where(cords.c.id == cord_id).values(values))
    return cord_record(_known(connection, cord_id))


def _problems(
    connection: Connection, checked: str, action: str, roll_back_to: int | None
) -> list[str]:
    problems = []
    if not checked.strip():
        problems.append("it does not say what was checked; write a sentence")
    if action not in get_args(StopAction):
        problems.append(f"the action {action!r} is none of {', '.join(get_args(StopAction))}")
    if action == "resume" and roll_back_to is not None:
        problems.append(f"resuming goes on from where the run stands, not from {roll_back_to}")
    if action == "roll_back":
        there = connection.execute(sa.select(trainer.c.checkpoints)).scalar_one_or_none()
        known = json.loads(there or "[]")
        if roll_back_to not in known:
            problems.append(
                f"there is no checkpoint of update {roll_back_to}; "
                f"there are {', '.join(map(str, known)) or 'none'}"
            )
    return problems
