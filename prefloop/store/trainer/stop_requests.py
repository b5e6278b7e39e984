"""Stop requests ("the cord"): any labeler can stop the run; only its owner resumes it.

cord_pulled        a new stop request
cord_pulled_again  one more reason, while a stop request is active
cord_stopped       the trainer has stopped and written its checkpoint
cord_released      the owner has decided how the run continues
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
from prefloop.store.core.rows import RowMapping
from prefloop.store.core.team_rows import stop_request_record
from prefloop.store.core.team_tables import stop_requests, trainer
from prefloop.teamwork import StopAction, StopRequest

PULLED = "cord_pulled"
PULLED_AGAIN = "cord_pulled_again"
STOPPED = "cord_stopped"
RELEASED = "cord_released"
KINDS = (PULLED, PULLED_AGAIN, STOPPED, RELEASED)


class StopRequests:
    """Every stop request and its outcome. At most one is active."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pull(self, by: str, reason: str, samples: Sequence[str] = ()) -> StopRequest:
        """Return the active stop request, a new one if there was none; else this adds a reason.

        Ids of unknown samples are dropped: stopping the run must not fail because of them.
        """
        with self._database.writing() as connection:
            known = prompts_of_samples(connection, samples)
            content: dict[str, Any] = {"by": by, "reason": reason}
            content["samples"] = [sample for sample in samples if sample in known]
            row = _active(connection)
            if row is None:
                return _new(connection, content)
            ledger.append(connection, [(PULLED_AGAIN, content | {"id": row["id"]})])
            return stop_request_record(row)

    def active(self) -> StopRequest | None:
        """Return the stop request that was not released yet."""
        with self._database.reading() as connection:
            row = _active(connection)
        return None if row is None else stop_request_record(row)

    def added_by(self, stop_request_id: str) -> list[str]:
        """Return who added a reason to a stop request while it was active."""
        with self._database.reading() as connection:
            events = ledger.of_kind(connection, PULLED_AGAIN)
        added = [json.loads(event.payload) for event in events]
        return [content["by"] for content in added if content["id"] == stop_request_id]

    def stopped(self, stop_request_id: str, update: int) -> StopRequest:
        """Record at which update the trainer stopped; a second call changes nothing."""
        with self._database.writing() as connection:
            row = _known(connection, stop_request_id)
            # The owner may have released it before the checkpoint was written.
            if row["stopped_at"] is not None or row["released_at"] is not None:
                return stop_request_record(row)
            ledger.append(connection, [(STOPPED, {"id": stop_request_id, "update": update})])
            stopped_at = clock.now(connection)
            return _change(
                connection, stop_request_id, {"stopped_at": stopped_at, "update": update}
            )

    def release(
        self,
        stop_request_id: str,
        by: str,
        checked: str,
        action: StopAction,
        roll_back_to: int | None = None,
    ) -> StopRequest:
        """Resume the run, from its current state or from an earlier checkpoint."""
        with self._database.writing() as connection:
            row = _known(connection, stop_request_id)
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
            ledger.append(connection, [(RELEASED, content | {"id": stop_request_id})])
            return _change(
                connection, stop_request_id, content | {"released_at": clock.now(connection)}
            )

    def all(self) -> list[StopRequest]:
        """Return every stop request, in the order in which they came."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(stop_requests).order_by(stop_requests.c.sequence)
            ).mappings()
            return [stop_request_record(row) for row in rows]


def _active(connection: Connection) -> RowMapping | None:
    query = sa.select(stop_requests).where(stop_requests.c.released_at.is_(None))
    return connection.execute(query.order_by(stop_requests.c.sequence).limit(1)).mappings().first()


def _known(connection: Connection, stop_request_id: str) -> RowMapping:
    row = (
        connection.execute(sa.select(stop_requests).where(stop_requests.c.id == stop_request_id))
        .mappings()
        .first()
    )
    if row is None:
        raise StoreError(
            f"There is no cord with the id {stop_request_id}. Look at the list of cords."
        )
    return row


def _new(connection: Connection, content: dict[str, Any]) -> StopRequest:
    stop_request_id = uuid.uuid4().hex
    event = ledger.append(connection, [(PULLED, content | {"id": stop_request_id})])[0]
    connection.execute(
        sa.insert(stop_requests).values(
            sequence=event.sequence,
            id=stop_request_id,
            pulled_by=content["by"],
            reason=content["reason"],
            samples=json.dumps(content["samples"]),
            pulled_at=clock.now(connection),
        )
    )
    return stop_request_record(_known(connection, stop_request_id))


def _change(connection: Connection, stop_request_id: str, values: dict[str, Any]) -> StopRequest:
    connection.execute(
        sa.update(stop_requests).where(stop_requests.c.id == stop_request_id).values(values)
    )
    return stop_request_record(_known(connection, stop_request_id))


def _problems(
    connection: Connection, checked: str, action: str, roll_back_to: int | None
) -> list[str]:
    problems = []
    if not checked.strip():
        problems.append("it does not say what was checked; write a sentence")
    if action not in get_args(StopAction):
        problems.append(f"the action {action!r} is none of {', '.join(get_args(StopAction))}")
    if action == "resume" and roll_back_to is not None:
        problems.append(
            f"`resume` continues from the current state, not from update {roll_back_to}"
        )
    if action == "roll_back":
        stored = connection.execute(sa.select(trainer.c.checkpoints)).scalar_one_or_none()
        known = json.loads(stored or "[]")
        if roll_back_to not in known:
            problems.append(
                f"there is no checkpoint of update {roll_back_to}; "
                f"there are {', '.join(map(str, known)) or 'none'}"
            )
    return problems
