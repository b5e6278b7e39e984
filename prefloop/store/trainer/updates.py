"""What the trainer tells the page: its latest lines of metrics, and what it is doing.

All of it is of the moment. The run folder's `metrics.jsonl` and checkpoints are what counts.
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
    """Lines that the trainer writes and pages read, and the trainer's heartbeat."""

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
        """Add a line; a number in it that is not finite becomes null."""
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
        """Return the lines that came after the one of this number, oldest first."""
        query = sa.select(updates).where(updates.c.number > number)
        query = query.order_by(updates.c.number).limit(limit)
        with self._database.reading() as connection:
            return [update_record(row) for row in connection.execute(query).mappings()]

    def forget_after(self, stage: str, update: int, round: int | None = None) -> None:
        """Drop the stage's lines beyond `update` (of one round, or of all): they come again.

        The number of a dropped line is never used again.
        """
        query = sa.delete(updates).where(updates.c.stage == stage, updates.c["update"] > update)
        if round is not None:
            query = query.where(updates.c.round == round)
        with self._database.writing() as connection:
            connection.execute(query)

    def beat(
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
            row["beat_at"] = clock.now(connection)
            _put(connection, row, {"address": ""})

    def set_address(self, address: str) -> None:
        """Say where the labeling page is served; nothing if it is not."""
        with self._database.writing() as connection:
            first = {
                "phase": "starting",
                "round": 0,
                "done": 0,
                "total": 0,
                "detail": "",
                "checkpoints": "[]",
                "beat_at": clock.now(connection),
            }
            _put(connection, {"address": address}, first)

    def state(self) -> TrainerState | None:
        """Return what the trainer said last; None if it never said anything."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(trainer)).mappings().first()
        return None if row is None else trainer_record(row)


def _put(connection: Connection, values: Mapping[str, Any], if_first: Mapping[str, Any]) -> None:
    """Change the one row, or make it."""
    changed = connection.execute(sa.update(trainer).values(dict(values)))
    if changed.rowcount == 0:
        row = {"id": ONLY_ROW, **if_first, **values}
        connection.execute(sa.insert(trainer).values(row))
