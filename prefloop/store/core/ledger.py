"""The append-only list of events, each with a hash that covers the hash of the one before.

    hash_n = sha256(hash_(n-1) + sequence + kind + payload + created_at)

The five parts are joined by line feeds, which none of them contains; hash_0 is 64 zeros. A changed,
missing or exchanged event breaks every hash after it; a ledger truncated at the end differs from
`ledger_head`.

Where a person was renamed or erased, the hash of an event stays and its words do not: `rewritten`
says which, and what stands there now.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.records import Event, LedgerHead
from prefloop.store.core.rows import event_record, event_row
from prefloop.store.core.tables import events, ledger_head

GENESIS = "0" * 64
HASH = re.compile(r"[0-9a-f]{64}")
_JSON = json.JSONEncoder(sort_keys=True, allow_nan=False)
PAGE = 1000

RENAMED, ERASED = "person_renamed", "person_erased"
REWRITINGS = (RENAMED, ERASED)
"""Kinds of events that list rewritten ones. They are never rewritten themselves."""


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
        payload = encoded(kind, content)
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


def of_kind(connection: Connection, kind: str) -> list[Event]:
    """Return the events of one kind, in order."""
    query = sa.select(events).where(events.c.kind == kind).order_by(events.c.sequence)
    return [event_record(row) for row in connection.execute(query).mappings()]


def head(connection: Connection, n_events: int | None = None) -> LedgerHead:
    """Return the end of the ledger, or what it was after so many events.

    Beyond the newest event that is the present end.
    """
    end = connection.execute(sa.select(ledger_head)).one()
    if n_events is None or n_events >= end.sequence:
        return LedgerHead(n_events=end.sequence, hash=end.hash)
    query = sa.select(events.c.hash).where(events.c.sequence == n_events)
    found = connection.execute(query).scalar() if n_events else GENESIS
    return LedgerHead(n_events=n_events, hash=found or "")


def events_up_to(connection: Connection, known_head: str) -> int:
    """Return how many events the ledger had when its end had this hash.

    Raises a StoreError if it never had. Call it after `verify`: then everything up to there is as
    it was, for nobody can find other events with the same hash.
    """
    if known_head == GENESIS:
        return 0
    query = sa.select(events.c.sequence).where(events.c.hash == known_head)
    found = connection.execute(query).scalar()
    if found is None:
        raise StoreError(
            f"No event of this ledger has the hash {known_head}. Either an event up to that one "
            "was changed and the chain computed again, or the end was cut off, or that head is of "
            "another run. Compare the store with a backup of that time."
        )
    return int(found)


def require_hash(known_head: str) -> str:
    """Return a head as it was printed, in lower case; a StoreError if it is none."""
    plain = known_head.strip().lower()
    if not HASH.fullmatch(plain):
        raise StoreError(
            f"{known_head!r} is no head of a ledger: that has 64 digits from 0 to f. Copy it from "
            "a report, a card, history.jsonl or what `prefloop store backup` printed."
        )
    return plain


def verify(connection: Connection) -> int:
    """Return the number of events, after checking every hash, in one pass."""
    hash_before, count = GENESIS, 0
    known = rewritten(connection)
    for page in pages(connection):
        for event in page:
            count += 1
            # What a rewritten event said is gone; the events after it hold its hash.
            before, expected = hash_before, event.hash
            if event.sequence in known:
                before, expected = "", known[event.sequence]
            found = event_hash(before, count, event.kind, event.payload, event.created_at)
            if event.sequence != count or found != expected:
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


def rewritten(connection: Connection) -> dict[int, str]:
    """Return the hash of what each rewritten event says now, by its number."""
    query = sa.select(events.c.sequence, events.c.payload).where(events.c.kind.in_(REWRITINGS))
    found: dict[int, str] = {}
    for rewriting in connection.execute(query.order_by(events.c.sequence)):
        hashes = json.loads(rewriting.payload)["events"]
        found |= {number: digest for number, digest in hashes if number < rewriting.sequence}
    return found


def encoded(kind: str, content: Mapping[str, Any]) -> str:
    """Return the payload of an event: JSON with sorted keys."""
    if not kind or not kind.isprintable():
        raise StoreError(f"An event's kind is a printable word; got {kind!r}.")
    try:
        return _JSON.encode(content)
    except (TypeError, ValueError) as error:
        raise StoreError(f"The payload of event {kind!r} is not JSON: {error}.") from error
