"""Questions that are drawn together: a check stands at any place among them as often as asked."""

import random
from collections import Counter

import sqlalchemy as sa

from prefloop.store.labeling.check_questions import draw_gold, draw_training
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy
from tests.unit.store.asking_for_tests import ALWAYS_GOLD, answer, ask, give, make_gold, send
from tests.unit.store.records_for_tests import fill

PEOPLE, AT_ONCE, SHARE = 200, 4, 0.5
TOLERANCE = 4.5 * (SHARE * (1 - SHARE) / PEOPLE) ** 0.5


def test_a_silent_check_is_as_likely_at_every_place(file_store: Store) -> None:
    fill(file_store, 60)
    ask(file_store, wanted=PEOPLE)
    make_gold(file_store, range(12))
    policy = ClaimPolicy(gold_share=SHARE, retest_share=0.0)
    luck = random.Random(5)
    checks: Counter[int] = Counter()
    for number in range(PEOPLE):
        views = file_store.queue.claim(f"person{number}", n=AT_ONCE, rng=luck, policy=policy)
        asked = [view.comparison_id for view in views]
        assert len(set(asked)) == AT_ONCE, "nobody is asked the same twice"
        checks.update(place for place, view in enumerate(views) if view.kind == "gold")
    shares = [checks[place] / PEOPLE for place in range(AT_ONCE)]
    assert all(abs(share - SHARE) < TOLERANCE for share in shares), shares


def test_every_check_is_found_however_many_are_spent(store: Store) -> None:
    fill(store, 50)
    ask(store)
    make_gold(store, range(40))
    asked = []
    for seed in range(40):
        [view] = give(store, policy=ALWAYS_GOLD, seed=seed)
        assert view.kind == "gold"
        asked.append(view.comparison_id)
        assert send(store, answer(view)) == ["stored"]
    assert sorted(asked) == sorted(f"c{number}" for number in range(40)), "each of them once"
    [last] = give(store, policy=ALWAYS_GOLD)
    assert last.kind == "regular"


def test_no_check_passes_all_that_the_labeler_has_answered(file_store: Store) -> None:
    """Labels are looked up by the question: whoever has answered thousands waits no longer."""
    fill(file_store, 12)
    ask(file_store)
    make_gold(file_store, range(6))
    make_gold(file_store, range(6, 12), is_training=True)
    asked: list[tuple[str, object]] = []

    def keep(_c: object, _cursor: object, statement: str, given: object, *_more: object) -> None:
        if "labels" in statement:
            asked.append((statement, given))

    with file_store._database.reading() as connection:
        sa.event.listen(connection, "before_cursor_execute", keep)
        luck = random.Random(5)
        assert draw_gold(connection, "ann", "c0", luck, taken=()) is not None
        assert draw_training(connection, "ann", luck, items=2, held=(), n=2)
        sa.event.remove(connection, "before_cursor_execute", keep)
        plans = [
            row[-1]
            for q, given in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}", given)  # type: ignore[arg-type]
        ]
    of_labels = [step for step in plans if " labels " in f"{step} "]
    assert len(asked) == len(of_labels) == 2
    assert all("comparison_id=?" in step for step in of_labels), of_labels
