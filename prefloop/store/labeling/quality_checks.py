"""Quality checks: answers that measure a labeler, as events of the ledger and as their fold.

    check            counts, and ends the quality check that it names as replaced
    check_withdrawn  counts no longer

Like labels, they are never changed in place, so that labelers may withdraw an answer without
learning from it which questions were silent gold.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.records import Event
from prefloop.store.core.ledger import pages
from prefloop.store.core.rows import RowDict
from prefloop.store.core.team_rows import KINDS_FROM_LEDGER, quality_check_payload
from prefloop.store.core.team_tables import quality_checks
from prefloop.teamwork import QualityCheck

CHECK = "check"
CHECK_WITHDRAWN = "check_withdrawn"
CHECK_KINDS = (CHECK, CHECK_WITHDRAWN)
FROM_LEDGER = ("sequence", "ended_by")
LATER = ("note", "details")
"""What events of earlier versions do not have."""


def quality_check_entry(
    check: QualityCheck,
    *,
    note: str = "",
    confidence: float | None = None,
    replaces: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return the ledger entry that stores a quality check."""
    more: dict[str, Any] = {"note": note, "confidence": confidence, "replaces": replaces}
    if details:
        more["details"] = dict(details)
    return CHECK, quality_check_payload(check) | more


def fold_quality_checks(
    connection: Connection, contents: Sequence[tuple[Event, Mapping[str, Any]]]
) -> None:
    """Apply events of quality checks, in order, to the table."""
    inserted: dict[str, RowDict] = {}
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
        query = sa.update(quality_checks).where(quality_checks.c.id == sa.bindparam("name"))
        connection.execute(query.values(ended_by=sa.bindparam("by")), updates)
    if inserted:
        rows = [row | {"ended_by": ended.get(name)} for name, row in inserted.items()]
        connection.execute(sa.insert(quality_checks), rows)


def rebuild_quality_checks(connection: Connection) -> None:
    """Delete all rows and rebuild them from the ledger."""
    connection.execute(sa.delete(quality_checks))
    for page in pages(connection):
        fold_quality_checks(
            connection, [(e, json.loads(e.payload)) for e in page if e.kind in CHECK_KINDS]
        )


def _row(content: Mapping[str, Any]) -> RowDict:
    always = [c.name for c in quality_checks.columns if c.name not in (*FROM_LEDGER, *LATER)]
    row = {name: content[name] for name in always}
    details = content.get("details")
    return row | {
        "kind": KINDS_FROM_LEDGER.get(content["kind"], content["kind"]),
        "shown": json.dumps(content["shown"]),
        "note": content.get("note", ""),
        "details": json.dumps(details, sort_keys=True) if details else None,
    }
