"""Prompts, samples, comparisons and verdicts cannot be changed past the store unnoticed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.progress import Silent
from prefloop.store.core.row_digests import STORED
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up, restore
from prefloop.store.upkeep.integrity import check_integrity
from prefloop.store.upkeep.moving import move
from prefloop.store.upkeep.stored_rows import StoredRows, check_stored_rows
from tests.unit.store.records_for_tests import fill, prompt, verdict
from tests.unit.store.sql_for_tests import change

CHANGES = {
    "the text of a sample": "UPDATE samples SET text = ' kinder.' WHERE id = 's5'",
    "the tokens of a sample": "UPDATE samples SET response_ids = '[1]' WHERE id = 's5'",
    "the last digit": "UPDATE samples SET logprob = -12.250000000000002 WHERE id = 's0'",
    "a number that was unknown": "UPDATE samples SET ref_logprob = -1.0 WHERE id = 's1'",
    "the model of a sample": "UPDATE samples SET model = 'policy/update-9' WHERE id = 's11'",
    "the split of a prompt": "UPDATE prompts SET split = 'held_out' WHERE id = 'p1'",
    "the text of a prompt": "UPDATE prompts SET text = 'Else.' WHERE id = 'p2'",
    "the split of a comparison": "UPDATE comparisons SET split = 'train' WHERE id = 'c0'",
    "the samples of a comparison": (
        "UPDATE comparison_samples SET position = 9 WHERE comparison_id = 'c1' AND position = 0"
    ),
    "a verdict": "UPDATE verdicts SET outcome = 0.0 WHERE id = 'v0'",
    "the model of a verdict": "UPDATE verdicts SET model = 'policy/update-9' WHERE id = 'v0'",
    "a verdict that is gone": "DELETE FROM verdicts WHERE id = 'v0'",
    "a sample under another number": "UPDATE samples SET number = 99 WHERE id = 's3'",
    "a prompt of somebody else": (
        "INSERT INTO prompts (number, id, text, source, split) VALUES (77, 'x', 'X', 'me', 'train')"
    ),
}


@pytest.fixture
def judged(place: str | Path) -> Iterator[Store]:
    """A store with prompts, samples, comparisons and a verdict, in both kinds of database."""
    with Store.open(place) as store:
        fill(store)
        store.add_verdicts([verdict()])
        yield store


def look(store: Store) -> StoredRows:
    with store._database.reading() as connection:
        return check_stored_rows(connection)


def test_rows_as_they_were_stored_are_in_order(judged: Store) -> None:
    judged.add_prompts([prompt(number) for number in range(5)])
    judged.add_prompts([prompt(4)])
    assert look(judged) == StoredRows(problems=(), n_without_hash={})
    kinds = [event.kind for event in judged.events()]
    assert kinds == [*STORED, "prompts_stored"], "one event per batch, none where nothing is new"


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_past_the_store_is_found(judged: Store, statement: str) -> None:
    change(judged, statement)
    [problem] = look(judged).problems
    [table] = re.findall(r"^(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)", statement)
    table = {"comparison_samples": "comparisons"}.get(table, table)
    assert problem.startswith(f"{table} ") and "outside prefloop. Put back a backup." in problem
    judged.verify_chain()


def test_verify_finds_it(judged: Store, place: str | Path) -> None:
    assert check_integrity(place, Silent()).problems == ()
    change(judged, CHANGES["the text of a sample"])
    [problem] = check_integrity(place, Silent()).problems
    assert "samples 1 to 12, stored by event 2" in problem
    assert "at least one was changed" in problem


def test_the_other_database_and_a_backup_have_the_same_hashes(
    judged: Store, place: str | Path, postgres_url: str, tmp_path: Path
) -> None:
    """Wrong twin: hashes over a database's own text of a number differ between the two."""
    back_up(place, tmp_path / "backup.db", Silent())
    restore(tmp_path / "backup.db", tmp_path / "restored.db", Silent())
    other = postgres_url if isinstance(place, Path) else str(tmp_path / "moved.db")
    move(judged._database, other, Silent())
    for copy in (tmp_path / "restored.db", other):
        with Store.open(copy) as store:
            assert look(store) == StoredRows(problems=(), n_without_hash={})
            store.add_prompts([prompt(8)])
            change(store, "UPDATE prompts SET split = 'held_out' WHERE id = 'p8'")
            assert len(look(store).problems) == 1


def test_rows_of_an_earlier_version_are_counted_and_later_ones_are_covered(
    place: str | Path,
) -> None:
    with Store.open(place) as store:
        fill(store)
        for statement in ("DELETE FROM events", "UPDATE ledger_head SET sequence = 0"):
            change(store, statement)
        change(store, f"UPDATE ledger_head SET hash = '{'0' * 64}'")
        earlier = {"prompts": 3, "samples": 12, "comparisons": 3}
        assert look(store) == StoredRows(problems=(), n_without_hash=earlier)
        store.add_prompts([prompt(8)])
        assert look(store) == StoredRows(problems=(), n_without_hash=earlier)
        change(store, "UPDATE prompts SET split = 'held_out' WHERE id = 'p8'")
        assert look(store).problems and look(store).n_without_hash == earlier


def test_a_column_that_this_version_does_not_know_is_named(judged: Store) -> None:
    change(
        judged,
        "UPDATE events SET payload = replace(payload, 'outcome', 'result') WHERE sequence = 4",
    )
    assert "there is no column result any more" in look(judged).problems[0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scores SET score = 0.25000000000000006 WHERE sample_id = 's3'",
        "UPDATE scores SET sample_id = 's9' WHERE sample_id = 's3'",
        "UPDATE scores SET fingerprint = 'f2' WHERE sample_id = 's3'",
        "DELETE FROM scores WHERE sample_id = 's3'",
    ],
)
def test_a_score_is_covered_too(judged: Store, statement: str) -> None:
    judged.scores.add("length", "f", {"s4": 1.5, "s3": 0.25})
    judged.scores.add("length", "f", {"s4": 1.5, "s5": 2.0})
    assert look(judged) == StoredRows(problems=(), n_without_hash={})
    change(judged, statement)
    [problem] = look(judged).problems
    assert problem.startswith("scores by length of 2 samples, stored by event 5 (")


def test_scores_of_an_earlier_version_are_counted(judged: Store) -> None:
    change(judged, "INSERT INTO scores VALUES ('length', 'f', 's1', 1.0)")
    judged.scores.add("length", "f", {"s1": 1.0, "s2": 2.0})
    assert look(judged) == StoredRows(problems=(), n_without_hash={"scores": 1})


def test_a_verdict_without_scores_is_covered_too(judged: Store) -> None:
    judged.add_verdicts([replace(verdict(), id="v9", score=None, baseline_score=None)])
    assert look(judged).problems == ()
    change(judged, "UPDATE verdicts SET score = 1.0 WHERE id = 'v9'")
    assert "verdicts 2 to 2" in look(judged).problems[0]
