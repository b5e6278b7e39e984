"""Events whose words were taken out afterwards: a person was renamed, or asked to be erased.

The hash of such an event stays, and so does the chain over it; its payload no longer belongs to
the hash. A later event of the ledger, which is never rewritten itself, has the hash of what stands
there now, so a change by anybody else is found as before.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.store.core import ledger
from prefloop.store.core.tables import events

EVENTS_AT_ONCE = 1000
"""Rewritten events that one event of the ledger lists."""


def rewrite_events(
    connection: Connection,
    kind: str,
    person_id: str,
    words: Sequence[str],
    changed: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> int:
    """Rewrite payloads that hold one of the words, and append their new hashes; return how many.

    `changed` returns the payload that an event is to have.
    """
    has_word = [events.c.payload.contains(json.dumps(word), autoescape=True) for word in words]
    query = sa.select(events).where(sa.or_(*has_word), events.c.kind.not_in(ledger.REWRITINGS))
    rewritten: list[tuple[int, str]] = []
    for row in connection.execute(query.order_by(events.c.sequence)).mappings().all():
        content = json.loads(row["payload"])
        new = changed(content)
        if new == content:
            continue
        payload = ledger.encoded(row["kind"], new)
        this = events.c.sequence == row["sequence"]
        connection.execute(sa.update(events).where(this).values(payload=payload))
        digest = ledger.event_hash("", row["sequence"], row["kind"], payload, row["created_at"])
        rewritten.append((row["sequence"], digest))
    entries = [
        (kind, {"person": person_id, "events": rewritten[at : at + EVENTS_AT_ONCE]})
        for at in range(0, max(1, len(rewritten)), EVENTS_AT_ONCE)
    ]
    ledger.append(connection, entries)
    return len(rewritten)


def erased(connection: Connection) -> set[str]:
    """Return the ids of the people who were erased."""
    query = sa.select(events.c.payload).where(events.c.kind == ledger.ERASED)
    return {json.loads(payload)["person"] for payload in connection.execute(query).scalars()}
