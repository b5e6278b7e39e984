"""A person is an id: renamed or erased, and the ledger's chain holds."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from prefloop.errors import ConflictError, StoreError
from prefloop.progress import Silent
from prefloop.store.core.ledger import REWRITINGS
from prefloop.store.core.tables import events, metadata
from prefloop.store.labeling.imports import LabelFile
from prefloop.store.people.identity import GONE, NAMES
from prefloop.store.store import Store
from prefloop.store.upkeep.integrity import check_integrity
from tests.faults.answering import WORK_ONLY, fill_every_table, submission
from tests.unit.store.asking_for_tests import ask, give

SECRET = "what only labeler-1 wrote"


@pytest.fixture
def filled(place: str | Path) -> Iterator[Store]:
    """A store with rows in every table, and words of one labeler."""
    with Store.open(place) as store:
        fill_every_table(store)
        written = next(label for label in store.labels() if label.labeler == "labeler-1")
        store.add_label(replace(written, id="with-a-note", note=SECRET))
        store.stop_requests.pull("labeler-1", SECRET)
        store.exclusions.apply("always left", "labeler-1", SECRET, "owner")
        yield store


def everything(store: Store) -> str:
    """Return all that a store holds as one text."""
    with store._database.reading() as connection:
        rows = [
            [table.name, *map(str, row)]
            for table in metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        ]
    return json.dumps(rows)


def hashes(store: Store) -> list[str]:
    """Return the hashes of all events that list no rewritten ones."""
    with store._database.reading() as connection:
        query = sa.select(events.c.hash).where(events.c.kind.not_in(REWRITINGS))
        return list(connection.execute(query.order_by(events.c.sequence)).scalars())


def person_id(store: Store, name: str) -> str:
    person = store.people.by_name(name)
    assert person is not None
    return person.id


def test_a_new_name_stands_everywhere_and_the_chain_holds(filled: Store, place: str | Path) -> None:
    before, head = hashes(filled), filled.ledger_head().hash
    n_labels = [label.labeler for label in filled.labels()].count("labeler-1")
    renamed = filled.people.rename(person_id(filled, "labeler-1"), "Zoë")
    assert (renamed.name, filled.people.by_id(renamed.id)) == ("Zoë", renamed)
    assert [label.labeler for label in filled.labels()].count("Zoë") == n_labels > 0
    assert '"labeler-1"' not in everything(filled)
    assert SECRET in everything(filled), "a new name erases nothing"
    assert hashes(filled) == before
    found = check_integrity(place, Silent(), known_head=head)
    assert found.problems == () and found.n_rewritten > n_labels
    assert found.n_known == len(before)


@pytest.mark.parametrize("act", ["rename", "erase"])
def test_a_process_that_keeps_sums_by_name_learns_of_it(filled: Store, act: str) -> None:
    person = person_id(filled, "labeler-1")
    kept, sequence = filled.tallies.changed_since(-1)
    assert "labeler-1" in {tally.labeler for tally in kept}
    assert filled.tallies.changed_since(sequence).tallies == []
    new = filled.people.rename(person, "Zoe") if act == "rename" else filled.people.erase(person)
    changed = filled.tallies.changed_since(sequence).tallies
    assert {tally.labeler for tally in kept} - {tally.labeler for tally in changed} == {"labeler-1"}
    assert new.name in {tally.labeler for tally in changed}


def test_whose_questions_a_batch_asks_goes_with_the_name(filled: Store) -> None:
    assert filled.batch_shares.of(0) == {"labeler-2": 0.01}
    filled.people.rename(person_id(filled, "labeler-2"), "Zoe")
    assert filled.batch_shares.of(0) == {"Zoe": 0.01}
    assert "labeler-2" not in everything(filled)


def test_what_imported_labels_rest_on_goes_with_the_name(filled: Store) -> None:
    label = replace(filled.labels()[0], id="from a file", labeler="labeler-1")
    file = LabelFile(
        name="labels.jsonl",
        format="raw",
        sources={label.id: ("model:gpt", "person:labeler-1")},
        is_own=lambda labeler: False,
    )
    filled.add_all(labels=[label], file=file)
    filled.people.rename(person_id(filled, "labeler-1"), "Zoe")
    assert filled.imports.sources()[label.id] == ("model:gpt", "person:Zoe")
    assert "person:labeler-1" not in everything(filled)
    filled.verify_chain()


def test_erasing_takes_out_name_and_words_and_leaves_answers_and_hashes(
    filled: Store, place: str | Path
) -> None:
    before, head = hashes(filled), filled.ledger_head().hash
    answers = [(label.id, label.answer, label.chosen) for label in filled.labels()]
    others = [label for label in filled.labels() if label.labeler != "labeler-1"]
    erased = filled.people.erase(person_id(filled, "labeler-1"))
    assert erased.name == f"erased-{erased.id[:8]}" and erased.disabled_at is not None
    held = everything(filled)
    assert "labeler-1" not in held.replace("labeler-10", "") and SECRET not in held
    assert [(label.id, label.answer, label.chosen) for label in filled.labels()] == answers
    assert [label for label in filled.labels() if label.labeler != erased.name] == others
    notes = {label.id: label.note for label in filled.labels()}
    assert notes["with-a-note"] == GONE
    assert filled.exclusions.excluded() >= {erased.name}
    assert hashes(filled) == before
    assert check_integrity(place, Silent(), known_head=head).problems == ()


def test_one_after_another_and_the_chain_still_holds(filled: Store, place: str | Path) -> None:
    one, owner = person_id(filled, "labeler-1"), person_id(filled, "owner")
    filled.people.rename(one, "Zoë")
    filled.people.rename(owner, "Olga")
    filled.people.rename(one, "Zoe B.")
    filled.people.add("another", "owner")
    filled.people.erase(owner)
    filled.people.erase(one)
    filled.people.erase(one)
    held = everything(filled)
    assert not any(name in held for name in ("Zo\\\\u00eb", "Zoe B.", "Olga", SECRET))
    assert check_integrity(place, Silent()).problems == ()


def test_a_rewritten_event_that_is_changed_again_is_found(filled: Store) -> None:
    filled.people.rename(person_id(filled, "labeler-1"), "Zoë")
    with filled._database.writing() as connection:
        query = sa.select(events).where(events.c.payload.contains("Zo\\u00eb", autoescape=True))
        row = connection.execute(query.where(events.c.kind == "label")).mappings().first()
        assert row is not None
        changed = row["payload"].replace('"answer": "best"', '"answer": "tie"')
        this = events.c.sequence == row["sequence"]
        connection.execute(sa.update(events).where(this).values(payload=changed))
    with pytest.raises(StoreError, match=f"broken at event {row['sequence']}"):
        filled.verify_chain()


def test_an_event_cannot_be_passed_off_as_rewritten(filled: Store) -> None:
    with filled._database.writing() as connection:
        row = connection.execute(sa.select(events).where(events.c.kind == "label")).first()
        assert row is not None
        changed = row.payload.replace('"answer": "best"', '"answer": "tie"')
        this = events.c.sequence == row.sequence
        connection.execute(sa.update(events).where(this).values(payload=changed))
    with pytest.raises(StoreError, match=f"broken at event {row.sequence}"):
        filled.verify_chain()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("LABELER-2", "in use"),
        ("lаbeler-2", "looks like labeler-2"),
        ("imported by somebody", "signed with the name imported by somebody already"),
        ("", "needs a name"),
        ("a\nb", "cannot be printed"),
    ],
)
def test_a_name_that_would_confuse_is_refused(filled: Store, name: str, told: str) -> None:
    label = next(iter(filled.labels()))
    filled.add_label(replace(label, id="imported", labeler="imported by somebody"))
    before = everything(filled)
    with pytest.raises(StoreError, match=told):
        filled.people.rename(person_id(filled, "labeler-1"), name)
    assert everything(filled) == before


def test_the_same_name_in_other_letters_is_a_new_name(filled: Store) -> None:
    assert filled.people.rename(person_id(filled, "labeler-1"), "Labeler-1").name == "Labeler-1"
    n_events = filled.verify_chain()
    filled.people.rename(person_id(filled, "Labeler-1"), "Labeler-1")
    assert filled.verify_chain() == n_events, "nothing to do"


def test_who_is_erased_stays_out_and_their_questions_are_free(filled: Store) -> None:
    taken = filled.queue.claim("labeler-2", n=1, rng=random.Random(0), policy=WORK_ONLY)
    person = filled.people.by_name("labeler-2")
    assert person is not None and taken
    filled.people.set_password(person.id, "four unrelated words")
    erased = filled.people.erase(person.id)
    assert filled.queue.renew([taken[0].id], erased.name) == []
    assert filled.access.log_in_with_password(erased.name, "four unrelated words") is None
    for call in (filled.people.enable, lambda p: filled.people.rename(p, "back again")):
        with pytest.raises(StoreError, match="was erased, which is for good"):
            call(person.id)
    with pytest.raises(StoreError, match="is disabled"):
        filled.access.invite(person.id)


def test_erasing_again_takes_out_what_was_written_since(filled: Store, place: str | Path) -> None:
    erased = filled.people.erase(person_id(filled, "labeler-1"))
    filled.exclusions.apply("seen later", erased.name, "of Arbor Lane", "owner")
    before = hashes(filled)
    assert filled.people.erase(erased.id) == erased
    assert "Arbor Lane" not in everything(filled)
    assert hashes(filled) == before
    assert check_integrity(place, Silent()).problems == ()


@pytest.mark.parametrize("act", ["rename", "erase"])
def test_nothing_more_is_signed_with_a_name_that_is_gone(filled: Store, act: str) -> None:
    """A server in another process knows its callers for some seconds."""
    person, luck = person_id(filled, "labeler-2"), random.Random(0)
    [held] = filled.queue.claim("labeler-2", n=1, rng=luck, policy=WORK_ONLY)
    filled.people.rename(person, "Zoe") if act == "rename" else filled.people.erase(person)
    with pytest.raises(ConflictError, match="Nobody who may log in is called labeler-2"):
        filled.queue.claim("labeler-2", n=1, rng=luck, policy=WORK_ONLY)
    [receipt] = filled.answers.submit([submission(held, luck)])
    assert (receipt.outcome, receipt.reason) == ("refused", "not_yours")
    assert "labeler-2" not in everything(filled)


def test_a_store_without_people_hands_questions_to_any_name(store: Store) -> None:
    ask(store)
    assert len(give(store, "a program", n=2)) == 2


def test_the_last_owner_is_not_erased(store: Store) -> None:
    owner = store.people.add("olga", "owner")
    with pytest.raises(StoreError, match="last owner"):
        store.people.erase(owner.id)
    assert store.people.by_name("olga") == owner


def test_every_column_that_holds_a_name_is_known() -> None:
    """A table that is added later must not keep a name that was erased."""
    ends = ("labeler", "_by", "person", "who")
    found = {
        column.name
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.Text) and column.name.endswith(ends)
    }
    assert found <= NAMES
