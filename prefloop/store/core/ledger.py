"""The append-only list of events, each with a hash that covers the hash of the one before.

    hash_n = sha256(hash_(n-1) + sequence + kind + payload + created_at)

The five parts are joined by line feeds, which none of them contains; hash_0 is 64 zeros. A changed,
missing or exchanged event breaks every hash after it; a ledger truncated at the end differs from
`ledger_head`.
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
    """Return the hash of an event, given the hash of the one before."""
    sealed = "\n".join([previous, str(sequence), kind, payload, created_at])
    return hashlib.sha256(sealed.encode()).hexdigest()


def append(connection: Connection, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Event]:
    """Append (kind, payload) pairs to the ledger; return their events."""
    if not entries:
        return []
    head = connection.execute(sa.select(ledger_head).with_for_update()).one()
    sequence, hash_before = head.sequence, head.hash
    created_at = datetime.now(UTC).isoformat(timespec="microseconds")
    written = []
    for kind, content in entries:
        sequence += 1
        payload = _payload(kind, content)
        hash_before = event_hash(hash_before, sequence, kind, payload, created_at)
        written.append(
            Event(
                sequence=sequence,
                kind=kind,
                payload=payload,
                created_at=created_at,
                hash=hash_before,
            )
        )
    connection.execute(sa.insert(events), [event_row(event) for event in written])
    connection.execute(sa.update(ledger_head).values(sequence=sequence, hash=hash_before))
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
    """Return the number of events, after checking every hash, in one pass."""
    hash_before, count = GENESIS, 0
    for page in pages(connection):
        for event in page:
            count += 1
            expected = event_hash(hash_before, count, event.kind, event.payload, event.created_at)
            if event.sequence != count or event.hash != expected:
                raise StoreError(
                    f"The ledger is broken at event {count}: it was changed, removed or "
                    "inserted outside prefloop. Everything before it is intact. "
                    "Put back a backup, or export what is intact."
                )
            hash_before = event.hash
    head = connection.execute(sa.select(ledger_head)).one()
    if (head.sequence, head.hash) != (count, hash_before):
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
