"""Checks: answers that measure a labeler, as events of the ledger and as the fold of them.

    check            counts, and ends the check that it names as replaced
    check_withdrawn  counts no longer

Like labels, they are never changed in place, so that a labeler may take back a slip without
learning from it which questions were silent gold.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Event
from prefloop.store.core.ledger import pages
from prefloop.store.core.rows import Row
from prefloop.store.core.team_rows import check_payload
from prefloop.store.core.team_tables import checks
from prefloop.teamwork import QualityCheck

CHECK = "check"
WITHDRAWN = "check_withdrawn"
KINDS = (CHECK, WITHDRAWN)
FROM_LEDGER = ("sequence", "ended_by")


def check_line(
    check: QualityCheck,
    *,
    note: str = "",
    confidence: float | None = None,
    replaces: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return a check as the line of the ledger that brings it."""
    more = {"note": note, "confidence": confidence, "replaces": replaces}
    return CHECK, check_payload(check) | more


def fold_checks(
    connection: Connection, contents: Sequence[tuple[Event, Mapping[str, Any]]]
) -> None:
    """Apply events of checks, in order, to the table."""
    inserted: dict[str, Row] = {}
    ended: dict[str, int] = {}
    for event, content in contents:
        if event.kind == CHECK:
            inserted[content["id"]] = _row(content) | {"sequence": event.sequence}
            if content.get("replaces") is not None:
                ended[content["replaces"]] = event.sequence
        else:
            ended[content["check_id"]] = event.sequence
    updates = [
        {"name": name, "by": sequence} for name, sequence in ended.items() if name not in inserted
    ]
    if updates:
        query = sa.update(checks).where(checks.c.id == sa.bindparam("name"))
        connection.execute(query.values(ended_by=sa.bindparam("by")), updates)
    if inserted:
        rows = [row | {"ended_by": ended.get(name)} for name, row in inserted.items()]
        connection.execute(sa.insert(checks), rows)


def rebuild_checks(connection: Connection) -> None:
    """Drop all rows and make them again from the ledger."""
    connection.execute(sa.delete(checks))
    for page in pages(connection):
        fold_checks(connection, [(e, json.loads(e.payload)) for e in page if e.kind in KINDS])


def _row(content: Mapping[str, Any]) -> Row:
    row = {c.name: content[c.name] for c in checks.columns if c.name not in FROM_LEDGER}
    return row | {"shown": json.dumps(content["shown"])}
