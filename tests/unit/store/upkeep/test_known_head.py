"""A head of the ledger that was kept elsewhere finds what a rebuilt chain hides."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from prefloop.errors import StoreError
from prefloop.progress import Silent
from prefloop.store.core.ledger import GENESIS, event_hash
from prefloop.store.core.row_digests import STORED, columns_of, digest_of
from prefloop.store.core.tables import events, ledger_head
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up
from prefloop.store.upkeep.integrity import IntegrityReport, check_integrity
from tests.unit.store.records_for_tests import fill, label, verdict
from tests.unit.store.sql_for_tests import change


@pytest.fixture
def head(place: str | Path) -> str:
    """The head of a store's ledger, as a report or a backup printed it."""
    with Store.open(place) as store:
        fill(store)
        store.add_verdicts([verdict()])
        store.add_labels([label(0), label(1, labeler="bob", question=1)])
        return store.ledger_head().hash


def compute_again(store: Store) -> None:
    """Make every hash fit what the rows are now, as somebody who knows this code could."""
    with store._database.writing() as connection:
        before = GENESIS
        for event in connection.execute(sa.select(events).order_by(events.c.sequence)).all():
            payload = event.payload
            if event.kind in STORED:
                numbers = json.loads(payload)
                table = STORED[event.kind]
                digest = digest_of(
                    connection,
                    table,
                    columns_of(table),
                    first=numbers["first"],
                    last=numbers["last"],
                )
                payload = json.dumps(digest.payload(), sort_keys=True)
            before = event_hash(before, event.sequence, event.kind, payload, event.created_at)
            row = sa.update(events).where(events.c.sequence == event.sequence)
            connection.execute(row.values(payload=payload, hash=before))
            last = event.sequence
        connection.execute(sa.update(ledger_head).values(sequence=last, hash=before))


def checked(place: str | Path, head: str | None = None) -> IntegrityReport:
    return check_integrity(place, Silent(), known_head=head)


def test_what_came_since_is_counted(place: str | Path, head: str) -> None:
    with Store.open(place) as store:
        store.add_labels([label(7, labeler="cem"), label(8, labeler="dan")])
        now = store.ledger_head()
    found = checked(place, f" {head.upper()}\n")
    assert (found.problems, found.n_known, found.end) == ((), 6, now)
    assert found.n_events == 8
    assert checked(place, GENESIS).n_known == 0
    assert checked(place).n_known is None


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statements",
    [
        [
            "UPDATE events SET payload = replace(payload, '\"ann\"', '\"eve\"') "
            "WHERE kind = 'label'",
            "UPDATE labels SET labeler = 'eve' WHERE labeler = 'ann'",
        ],
        ["UPDATE samples SET text = ' kinder.' WHERE id = 's5'"],
        ["UPDATE prompts SET split = 'held_out' WHERE id = 'p1'"],
        ["UPDATE verdicts SET outcome = 1.0"],
        [
            "DELETE FROM labels WHERE labeler = 'bob'",
            "DELETE FROM events WHERE sequence = 6",
        ],
    ],
    ids=["a label", "a sample", "a split", "a verdict", "the end"],
)
def test_a_chain_that_was_computed_again_is_found_by_its_head_alone(
    place: str | Path, head: str, statements: list[str]
) -> None:
    with Store.open(place) as store:
        for statement in statements:
            change(store, statement)
        compute_again(store)
        store.add_label(label(9, labeler="cem", question=2))
    assert checked(place).problems == (), "by itself the store is in order"
    [problem] = checked(place, head).problems
    assert problem.startswith(f"No event of this ledger has the hash {head}")
    assert "Compare the store with a backup of that time" in problem


def test_a_backup_has_the_head_that_it_prints(place: str | Path, head: str, tmp_path: Path) -> None:
    printed = back_up(place, tmp_path / "backup.db", Silent())
    assert (printed.hash, printed.n_events) == (head, 6)
    with Store.open(place) as store:
        store.add_event("note", {})
    assert checked(tmp_path / "backup.db", head).n_known == 6
    assert checked(place, printed.hash).n_known == 6


@pytest.mark.parametrize("wrong", ["", "abc", "g" * 64, "0" * 63])
def test_what_is_no_head_is_refused_with_where_to_find_one(sqlite_path: Path, wrong: str) -> None:
    with pytest.raises(StoreError, match="is no head of a ledger: that has 64 digits"):
        checked(sqlite_path, wrong)


def test_the_head_after_so_many_events_is_read_back(place: str | Path, head: str) -> None:
    with Store.open(place) as store:
        chain = [GENESIS, *(event.hash for event in store.events())]
        assert [store.ledger_head(n).hash for n in range(len(chain))] == chain
        assert store.ledger_head(99) == store.ledger_head()
        assert store.ledger_head().hash == head
