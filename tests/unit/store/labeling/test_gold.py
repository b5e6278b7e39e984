import math
from dataclasses import replace

import pytest

from prefloop.errors import StoreError
from prefloop.store.core import ledger
from prefloop.store.labeling.quality_checks import fold_quality_checks, quality_check_entry
from prefloop.store.store import Store
from prefloop.teamwork import Gold, QualityCheck
from tests.unit.store.records_for_tests import comparison, own_events
from tests.unit.store.sql_for_tests import change, rows


def gold(number: int = 0, **changes: object) -> Gold:
    record = Gold(
        comparison_id=f"c{number}",
        chosen=comparison(number).sample_ids[0],
        explanation="The others are rude.",
        is_training=number % 2 == 1,
        created_by="ann",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def check(number: int, **changes: object) -> QualityCheck:
    ids = comparison(0).sample_ids
    record = QualityCheck(
        id=f"k{number}",
        comparison_id="c0",
        labeler="bob",
        kind="gold",
        answer="best",
        chosen=ids[0],
        shown=ids[::-1],
        seconds=3.5,
        instructions="1",
        is_right=True,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def test_gold_comes_back_until_it_is_ended(store: Store) -> None:
    store.gold.add(gold(1))
    store.gold.add(gold(0))
    assert store.gold.all() == [gold(1), gold(0)]
    store.gold.end("c1")
    assert store.gold.all() == [gold(0)]
    store.gold.add(gold(1, explanation="Better said."))
    assert store.gold.all() == [gold(0), gold(1, explanation="Better said.")]
    kinds = [event.kind for event in own_events(store)]
    assert kinds == ["gold_added", "gold_added", "gold_ended", "gold_added"]
    assert '"explanation": "The others are rude."' in own_events(store)[0].payload
    assert len(rows(store, "gold")) == 3


def test_adding_gold_again_changes_nothing(store: Store) -> None:
    store.gold.add(gold(0))
    store.gold.add(gold(0, created_by="eve"))
    assert store.gold.all() == [gold(0)]
    assert len(own_events(store)) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"comparison_id": "c9"}, "no comparison c9"),
        ({"chosen": "s4"}, "has no sample s4; it has s3, s2, s1, s0"),
        ({"is_training": True, "explanation": " "}, "needs an explanation"),
    ],
)
def test_gold_that_cannot_be_is_refused(
    store: Store, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(StoreError, match=told):
        store.gold.add(gold(0, **changes))
    assert store.gold.all() == []
    assert own_events(store) == []


def test_a_known_answer_is_not_exchanged_in_passing(store: Store) -> None:
    store.gold.add(gold(0))
    for other in (gold(0, chosen="s0"), gold(0, explanation="x"), gold(0, is_training=True)):
        with pytest.raises(StoreError, match="c0 is gold already"):
            store.gold.add(other)
    with pytest.raises(StoreError, match="c1 is not gold"):
        store.gold.end("c1")


def test_the_database_itself_holds_one_known_answer_per_question(store: Store) -> None:
    store.gold.add(gold(0))
    store.gold.end("c0")
    store.gold.add(gold(0))
    with pytest.raises(StoreError, match="refuses a row that contradicts"):
        change(store, "UPDATE gold SET ended_by = NULL")
    with pytest.raises(StoreError, match="refuses a row that contradicts"):
        change(store, "UPDATE gold SET chosen = 's4'")


def test_checks_come_back_by_labeler(store: Store) -> None:
    skipped = check(1, answer="skip", chosen=None, is_right=None, seconds=math.nan)
    of_cem = check(2, labeler="cem", kind="retest", is_right=False)
    entries = [quality_check_entry(record) for record in (check(0), skipped, of_cem)]
    with store._database.writing() as connection:
        events = ledger.append(connection, entries)
        fold_quality_checks(
            connection, [(e, content) for e, (_, content) in zip(events, entries, strict=True)]
        )
    found = store.gold.quality_checks()
    assert found[0] == check(0)
    assert math.isnan(found[1].seconds)
    assert replace(found[1], seconds=0.0) == replace(skipped, seconds=0.0)
    assert store.gold.quality_checks("cem") == [of_cem]
    assert store.gold.quality_checks("zoe") == []
    assert [event.kind for event in own_events(store)] == ["check"] * 3
    assert store.labels() == []
