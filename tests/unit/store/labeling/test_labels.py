from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.label_types.types import TYPES
from prefloop.records import Label
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import N_FILLED, fill, label, own_events, tie
from tests.unit.store.sql_for_tests import change, rows


def test_a_later_answer_replaces_the_earlier_and_the_ledger_keeps_both(store: Store) -> None:
    store.add_label(label(0))
    store.add_label(label(1, labeler="bob"))
    store.add_label(tie(2))
    assert store.labels() == [label(1, labeler="bob"), tie(2)]
    assert [event.kind for event in own_events(store)] == ["label"] * 3
    assert '"id": "l0"' in own_events(store)[0].payload


def test_a_replaced_label_that_is_sent_again_changes_nothing(store: Store) -> None:
    store.add_labels([label(0), label(1)])
    store.add_label(label(0))
    assert store.labels() == [label(1)]
    assert store.verify_chain() == N_FILLED + 2


def test_replacement_within_one_batch_equals_one_by_one(store: Store, tmp_path: Path) -> None:
    answers = [label(0), label(1), tie(2), label(3, labeler="bob"), label(4)]
    store.add_labels(answers)
    together = store.labels()
    with Store.open(tmp_path / "other.db") as other:
        fill(other)
        for answer in answers:
            other.add_label(answer)
        assert other.labels() == together == [label(3, labeler="bob"), label(4)]
        assert rows(other) == rows(store)


def test_rebuilt_labels_are_equal_byte_for_byte(store: Store) -> None:
    store.add_labels([label(0), label(1, labeler="bob"), label(2, question=1)])
    store.add_event("note", {"text": "not a label"})
    store.withdraw_label("l1", reason="slip")
    store.add_label(tie(3))
    store.add_label(label(4, labeler="bob"))
    before = rows(store)
    assert store.rebuild_labels() == 5
    assert rows(store) == before


def test_rebuilding_repairs_a_table_that_was_tampered_with(store: Store) -> None:
    store.add_labels([label(0), label(1)])
    before = rows(store)
    change(store, "UPDATE labels SET chosen = 's0', ended_by = NULL WHERE id = 'l1'")
    change(store, "DELETE FROM labels WHERE id = 'l0'")
    assert rows(store) != before
    store.rebuild_labels()
    assert rows(store) == before


def test_a_withdrawn_label_is_gone_and_its_labeler_may_answer_again(store: Store) -> None:
    store.add_label(label(0))
    event = store.withdraw_label("l0")
    assert event is not None
    assert event.kind == "label_withdrawn"
    assert store.labels() == []
    assert store.withdraw_label("l0") is None
    store.add_label(label(0))
    assert store.labels() == []
    store.add_label(label(1))
    assert store.labels() == [label(1)]
    with pytest.raises(StoreError, match="no label l9"):
        store.withdraw_label("l9")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (replace(label(), comparison_id="c99"), "unknown comparison c99"),
        (replace(label(), chosen="s4"), "chooses the unknown sample s4"),
        (replace(label(), chosen=None), "names no chosen sample"),
        (replace(label(), answer="tie"), "yet names s3"),
        # There is no such answer: that is what is refused.
        (replace(label(), answer="left"), "has answer 'left'"),  # type: ignore[arg-type]
        (replace(label(), shown=("s0", "s1", "s2")), "that is no order of"),
        (replace(label(), shown=("s0", "s0", "s1", "s2")), "that is no order of"),
        (replace(label(), shown=("s0", "s1", "s2", "s3", "s3")), "that is no order of"),
        (replace(label(), seconds=-1.0), "took -1.0 seconds"),
        (replace(label(), seconds=float("inf")), "took inf seconds"),
        (replace(label(), confidence=float("nan")), "has confidence nan"),
    ],
)
def test_an_impossible_label_is_refused_and_the_batch_with_it(
    store: Store, wrong: Label, told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        store.add_labels([label(5, question=1), wrong])
    assert store.labels() == []
    assert own_events(store) == []


def test_all_problems_are_told_at_once() -> None:
    wrong = replace(label(), chosen="s9", shown=(), seconds=-2.0)
    assert len(TYPES["pairs"].problems(wrong, ("s0", "s1"))) == 3


@pytest.mark.parametrize("content", ["chosen = 's4'", "chosen = NULL", "comparison_id = 'c1'"])
def test_the_database_itself_refuses_a_choice_from_another_question(
    store: Store, content: str
) -> None:
    store.add_label(label())
    with pytest.raises(StoreError, match="refuses a row that contradicts"):
        change(store, f"UPDATE labels SET {content}")


def test_label_events_cannot_be_written_past_the_checks(store: Store) -> None:
    with pytest.raises(StoreError, match="written by adding or withdrawing"):
        store.add_event("label", {"id": "forged"})
