"""Owners' verdicts and holds cannot be changed past the store unnoticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.progress import Silent
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from prefloop.store.upkeep.integrity import check_integrity
from tests.faults.answering import fill_every_table
from tests.unit.store.sql_for_tests import change

IN_FORCE = "WHERE ended_by IS NULL"
CHANGES = {
    "what an owner decided": f"UPDATE adjudications SET answer = 'tie' {IN_FORCE}",
    "who decided": f"UPDATE adjudications SET decided_by = 'labeler-0' {IN_FORCE}",
    "the question": f"UPDATE adjudications SET comparison_id = 'question-39' {IN_FORCE}",
    "a verdict that is ended": f"UPDATE adjudications SET ended_by = 1 {IN_FORCE}",
    "a verdict that is gone": f"DELETE FROM adjudications {IN_FORCE}",
    "a hold that is ended": f"UPDATE holds SET ended_by = 1, released_by = 'owner' {IN_FORCE}",
    "who released": "UPDATE holds SET released_by = 'labeler-0' WHERE ended_by IS NOT NULL",
    "a verdict of nobody": (
        "INSERT INTO adjudications (sequence, id, comparison_id, answer, reason, instructions,"
        " decided_by, decided_at) VALUES (1, 'x', 'question-39', 'tie', '', '1', 'owner', 0.0)"
    ),
}


@pytest.fixture
def decided(place: str | Path) -> Iterator[Store]:
    """A store with verdicts and holds, ended ones and others, in both kinds of database."""
    with Store.open(place) as store:
        fill_every_table(store)
        yield store


def test_what_was_decided_ended_and_erased_is_in_order(decided: Store, place: str | Path) -> None:
    [*_, made] = decided.adjudications.in_force()
    decided.adjudications.withdraw(made.id, "owner")
    again = OwnersVerdict(comparison_id=made.comparison_id, answer="skip", reason="As before.")
    decided.adjudications.decide(again, "owner")
    decided.people.erase(next(p.id for p in decided.people.all() if p.name == "labeler-4"))
    assert check_integrity(place, Silent()).problems == ()


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_past_the_store_is_found(
    decided: Store, place: str | Path, statement: str
) -> None:
    change(decided, statement)
    table = "holds" if " holds " in statement else "adjudications"
    [problem] = check_integrity(place, Silent()).problems
    assert problem.startswith(f"rebuilt from the ledger, {table} has other rows")
    decided.verify_chain()
