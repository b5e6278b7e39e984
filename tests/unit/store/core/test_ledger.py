import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.store.core.ledger import PAGE, REWRITINGS, event_hash
from prefloop.store.store import Store
from tests.unit.store.sql_for_tests import change


@pytest.fixture
def store(place: str | Path) -> Iterator[Store]:
    """A store without a single event, in both kinds of database in turn."""
    with Store.open(place) as opened:
        yield opened


def test_the_seal_is_that_of_an_independent_tool() -> None:
    # printf '%s\n1\nlabel\n{"a": 1}\n2026-01-01' "$(printf '0%.0s' $(seq 64))" | sha256sum
    expected = hashlib.sha256()
    for part in (b"0" * 64, b"\n1", b"\nlabel", b'\n{"a": 1}', b"\n2026-01-01"):
        expected.update(part)
    assert event_hash("0" * 64, 1, "label", '{"a": 1}', "2026-01-01") == expected.hexdigest()


def test_parts_cannot_flow_into_each_other() -> None:
    """Wrong twin: without separators, kind `ab` + payload `c` would seal like `a` + `bc`."""
    assert event_hash("", 1, "ab", "c", "t") != event_hash("", 1, "a", "bc", "t")
    assert event_hash("", 1, "1a", "c", "t") != event_hash("", 11, "a", "c", "t")


def test_events_are_numbered_and_come_back(store: Store) -> None:
    first = store.add_event("started", {"b": 1, "a": "ü"})
    second = store.add_event("stopped", {})
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.payload == '{"a": "\\u00fc", "b": 1}'
    assert json.loads(first.payload) == {"a": "ü", "b": 1}
    assert store.events() == [first, second]
    assert store.events(after=1) == [second]
    assert store.verify_chain() == 2


def test_an_empty_ledger_is_in_order(store: Store) -> None:
    assert store.verify_chain() == 0


def test_a_ledger_of_several_pages_is_read_whole(store: Store) -> None:
    from prefloop.store.core import ledger

    with store._database.writing() as connection:
        ledger.append(connection, [("tick", {"i": i}) for i in range(2 * PAGE + 1)])
    assert store.verify_chain() == 2 * PAGE + 1
    assert [e.sequence for e in store.events()] == list(range(1, 2 * PAGE + 2))
    with store._database.writing() as connection:
        ledger.append(connection, [("tick", {"i": i}) for i in range(PAGE - 1)])
    assert store.verify_chain() == 3 * PAGE


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE events SET payload = '{}' WHERE sequence = 2", "broken at event 2"),
        ("UPDATE events SET kind = 'x' WHERE sequence = 1", "broken at event 1"),
        ("UPDATE events SET created_at = '1999' WHERE sequence = 3", "broken at event 3"),
        ("UPDATE events SET hash = 'x' WHERE sequence = 2", "broken at event 2"),
        ("DELETE FROM events WHERE sequence = 2", "broken at event 2"),
        ("DELETE FROM events WHERE sequence = 4", "ends at event 3, but 4 were written"),
        ("UPDATE ledger_head SET hash = 'x'", "cut off"),
    ],
)
def test_every_kind_of_tampering_is_found(store: Store, statement: str, told: str) -> None:
    for i in range(4):
        store.add_event("tick", {"i": i})
    assert store.verify_chain() == 4
    change(store, statement)
    with pytest.raises(StoreError, match=told):
        store.verify_chain()


def test_what_json_cannot_hold_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="is not JSON"):
        store.add_event("tick", {"x": float("nan")})
    with pytest.raises(StoreError, match="is not JSON"):
        store.add_event("tick", {"x": object()})
    with pytest.raises(StoreError, match="printable word"):
        store.add_event("two\nlines", {})
    assert store.events() == []


@pytest.mark.parametrize("kind", REWRITINGS)
def test_only_the_store_says_what_was_rewritten(store: Store, kind: str) -> None:
    """Otherwise anybody could list an event that they changed as rewritten."""
    with pytest.raises(StoreError, match="Choose another kind"):
        store.add_event(kind, {"events": []})
    assert store.verify_chain() == 0
