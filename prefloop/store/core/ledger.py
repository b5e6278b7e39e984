"""The append-only log: what happened, in order, each line sealed with the hash of the line before.

    hash_n = sha256(hash_(n-1) + sequence + kind + payload + created_at)

The five parts are joined by line feeds, which none of them contains; hash_0 is 64 zeros. A changed,
missing or exchanged line breaks every hash after it; a ledger cut off at the end no longer agrees
with `ledger_head`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.records import Event
from prefloop.store.core.rows import event_record, event_row
from prefloop.store.core.tables import events, ledger_head

GENESIS = "0" * 64
_JSON = json.JSONEncoder(sort_keys=True, allow_nan=False)
PAGE = 1000


def event_hash(previous: str, sequence: int, kind: str, payload: str, created_at: str) -> str:
    """Return the seal of one line, given the seal of the line before."""
    line = "\n".join([previous, str(sequence), kind, payload, created_at])
    return hashlib.sha256(line.encode()).hexdigest()


def append(connection: Connection, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Event]:
    """Write (kind, payload) pairs at the end of the ledger; return the events they became."""
    if not lines:
        return []
    head = connection.execute(sa.select(ledger_head).with_for_update()).one()
    sequence, seal = head.sequence, head.hash
    created_at = datetime.now(UTC).isoformat(timespec="microseconds")
    written = []
    for kind, content in lines:
        sequence += 1
        payload = _payload(kind, content)
        seal = event_hash(seal, sequence, kind, payload, created_at)
        written.append(
            Event(sequence=sequence, kind=kind, payload=payload, created_at=created_at, hash=seal)
        )
    connection.execute(sa.insert(events), [event_row(event) for event in written])
    connection.execute(sa.update(ledger_head).values(sequence=sequence, hash=seal))
    return written


def pages(connection: Connection, *, after: int = 0) -> Iterator[list[Event]]:
    """Yield the events after a sequence number, in order, a page at a time."""
    while True:
        query = sa.select(events).where(events.c.sequence > after)
        rows = connection.execute(query.order_by(events.c.sequence).limit(PAGE)).mappings()
        page = [event_record(row) for row in rows]
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].sequence


def verify(connection: Connection) -> int:
    """Return how many events there are, after checking the seal of each, in one pass."""
    seal, count = GENESIS, 0
    for page in pages(connection):
        for event in page:
            count += 1
            expected = event_hash(seal, count, event.kind, event.payload, event.created_at)
            if event.sequence != count or event.hash != expected:
                raise StoreError(
                    f"The ledger is broken at event {count}: the line was changed, removed or "
                    "inserted outside prefloop. Everything before it is intact. "
                    "Put back a backup, or export what is intact."
                )
            seal = event.hash
    head = connection.execute(sa.select(ledger_head)).one()
    if (head.sequence, head.hash) != (count, seal):
        raise StoreError(
            f"The ledger ends at event {count}, but {head.sequence} were written: the end was "
            "cut off outside prefloop. Put back a backup."
        )
    return count


def _payload(kind: str, content: Mapping[str, Any]) -> str:
    if not kind or not kind.isprintable():
        raise StoreError(f"An event's kind is a printable word; got {kind!r}.")
    try:
        return _JSON.encode(content)
    except (TypeError, ValueError) as error:
        raise StoreError(f"The payload of event {kind!r} is not JSON: {error}.") from error
