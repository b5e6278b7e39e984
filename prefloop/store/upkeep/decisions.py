"""Owners' verdicts and holds against the ledger: training reads the one, nobody is asked the other.

Both tables are the fold of their events, but for the times, which are of the database's clock: an
event has its own.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Event
from prefloop.store.core import ledger
from prefloop.store.core.rows import RowDict
from prefloop.store.core.team_tables import adjudications, holds
from prefloop.store.labeling.adjudications import DECIDED, WITHDRAWN, stored_details
from prefloop.store.labeling.holds import HELD, RELEASED

TIMES = ("decided_at", "held_at", "released_at")


def check_decisions(connection: Connection) -> list[str]:
    """Return a sentence for each of the two tables that differs from what its events say."""
    folds = ((adjudications, _adjudications(connection)), (holds, _holds(connection)))
    found = []
    for table, expected in folds:
        stored = _stored(connection, table)
        numbers = sorted({*stored, *expected})
        wrong = [number for number in numbers if stored.get(number) != expected.get(number)]
        if wrong:
            found.append(
                f"rebuilt from the ledger, {table.name} has other rows, the first one of event "
                f"{wrong[0]}: it was changed, removed or inserted outside prefloop. Put back a "
                "backup."
            )
    return found


def _stored(connection: Connection, table: sa.Table) -> dict[int, RowDict]:
    columns = [column for column in table.columns if column.name not in TIMES]
    rows = connection.execute(sa.select(*columns)).mappings()
    return {row["sequence"]: dict(row) for row in rows}


def _adjudications(connection: Connection) -> dict[int, RowDict]:
    rows: dict[int, RowDict] = {}
    in_force: dict[str, RowDict] = {}
    for event, content in _contents(connection, DECIDED, WITHDRAWN):
        ends = content["id"] if event.kind == WITHDRAWN else content["replaces"]
        if ends in in_force:
            in_force.pop(ends)["ended_by"] = event.sequence
        if event.kind == DECIDED:
            same = ("id", "comparison_id", "answer", "chosen", "reason", "instructions")
            row: RowDict = {name: content[name] for name in same}
            row["details"] = stored_details(content)
            row |= {"sequence": event.sequence, "decided_by": content["by"], "ended_by": None}
            rows[event.sequence] = in_force[content["id"]] = row
    return rows


def _holds(connection: Connection) -> dict[int, RowDict]:
    rows: dict[int, RowDict] = {}
    in_force: dict[str, RowDict] = {}
    for event, content in _contents(connection, HELD, RELEASED):
        name = content["comparison_id"]
        if event.kind == RELEASED:
            if name in in_force:
                ended = {"released_by": content["by"], "ended_by": event.sequence}
                in_force.pop(name).update(ended)
            continue
        row: RowDict = {key: content[key] for key in ("comparison_id", "answer_id", "reason")}
        row |= {"sequence": event.sequence, "held_by": content["by"]}
        row |= {"released_by": None, "ended_by": None}
        rows[event.sequence] = in_force[name] = row
    return rows


def _contents(connection: Connection, *kinds: str) -> list[tuple[Event, Mapping[str, Any]]]:
    """Return the events of these kinds in order, each with its payload."""
    found = [event for kind in kinds for event in ledger.of_kind(connection, kind)]
    found.sort(key=lambda event: event.sequence)
    return [(event, json.loads(event.payload)) for event in found]
