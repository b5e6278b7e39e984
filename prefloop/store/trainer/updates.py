"""The trainer's latest metrics and its heartbeat, for the web page.

Both are transient: the run folder's `metrics.jsonl` and checkpoints are the record.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import clock
from prefloop.store.core.database import Database
from prefloop.store.core.team_rows import finite_json, trainer_record, update_record
from prefloop.store.core.team_tables import trainer, updates
from prefloop.teamwork import TrainerState, Update

ONLY_ROW = 1


class Updates:
    """Metrics that the trainer writes and pages read, and the trainer's heartbeat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self,
        stage: str,
        round: int,
        update: int,
        line: Mapping[str, Any],
        samples: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Add a line of metrics; numbers that are not finite become null."""
        row = {
            "stage": stage,
            "round": round,
            "update": update,
            "line": finite_json(line),
            "samples": finite_json(samples),
        }
        with self._database.writing() as connection:
            row["created_at"] = clock.now(connection)
            connection.execute(sa.insert(updates).values(row))

    def after(self, number: int, limit: int = 1000) -> list[Update]:
        """Return the lines after the one with this number, oldest first."""
        query = sa.select(updates).where(updates.c.number > number)
        query = query.order_by(updates.c.number).limit(limit)
        with self._database.reading() as connection:
            return [update_record(row) for row in connection.execute(query).mappings()]

    def forget_after(self, stage: str, update: int, round: int | None = None) -> None:
        """Delete the stage's lines after `update` (of one round, or of all): they are rewritten.

        The number of a deleted line is never used again.
        """
        query = sa.delete(updates).where(updates.c.stage == stage, updates.c["update"] > update)
        if round is not None:
            query = query.where(updates.c.round == round)
        with self._database.writing() as connection:
            connection.execute(query)

    def heartbeat(
        self,
        *,
        phase: str,
        round: int,
        done: int,
        total: int,
        detail: str = "",
        checkpoints: Sequence[int] = (),
    ) -> None:
        """Say what the trainer is doing right now."""
        row = {
            "phase": phase,
            "round": round,
            "done": done,
            "total": total,
            "detail": detail,
            "checkpoints": json.dumps(list(checkpoints)),
        }
        with self._database.writing() as connection:
            row["heartbeat_at"] = clock.now(connection)
            _put(connection, row, {"address": ""})

    def set_address(self, address: str) -> None:
        """Record where the labeling page is served; an empty address: it is not."""
        with self._database.writing() as connection:
            first = {
                "phase": "starting",
                "round": 0,
                "done": 0,
                "total": 0,
                "detail": "",
                "checkpoints": "[]",
                "heartbeat_at": clock.now(connection),
            }
            _put(connection, {"address": address}, first)

    def state(self) -> TrainerState | None:
        """Return the last heartbeat; None if there was none."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(trainer)).mappings().first()
        return None if row is None else trainer_record(row)


def _put(connection: Connection, values: Mapping[str, Any], if_first: Mapping[str, Any]) -> None:
    """Update the only row, or insert it."""
    changed = connection.execute(sa.update(trainer).values(dict(values)))
    if changed.rowcount == 0:
        row = {"id": ONLY_ROW, **if_first, **values}
        connection.execute(sa.insert(trainer).values(row))
