"""Questions that are drawn together: a check stands at any place among them as often as asked."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

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


def test_every_training_question_is_found_however_many_are_done(store: Store) -> None:
    fill(store, 40)
    ask(store)
    make_gold(store, range(30), is_training=True)
    everything = ClaimPolicy(training_items=30)
    asked = []
    for seed in range(30):
        [view] = give(store, policy=everything, seed=seed)
        assert view.kind == "training"
        asked.append(view.comparison_id)
        send(store, answer(view))
    assert sorted(asked) == sorted(f"c{number}" for number in range(30)), "each of them once"
    [last] = give(store, policy=everything)
    assert last.kind == "regular"
    with store._database.reading() as connection, statements_on_labels(connection) as looked_up:
        assert not draw_training(connection, "ann", random.Random(), items=30, held=(), n=1)
        assert not looked_up, "nothing is looked up for somebody who has passed"
        assert draw_training(connection, "ben", random.Random(), items=30, held=(), n=1)
        assert len(looked_up) == 1


@contextmanager
def statements_on_labels(connection: Connection) -> Iterator[list[tuple[str, object]]]:
    """Yield the statements that read labels, with what they are given, as they come."""
    asked: list[tuple[str, object]] = []

    def keep(_c: object, _cursor: object, statement: str, given: object, *_more: object) -> None:
        if "labels" in statement:
            asked.append((statement, given))

    sa.event.listen(connection, "before_cursor_execute", keep)
    yield asked
    sa.event.remove(connection, "before_cursor_execute", keep)


THOUSANDS = """
SET session_replication_role = replica;
INSERT INTO comparisons (number, id, prompt_id, round, split, selection_probability)
    SELECT i, 'c' || i, 'p', 0, 'train', 1 FROM generate_series(1, 10000) i;
INSERT INTO labels (sequence, id, comparison_id, labeler, answer, shown, instructions, note)
    SELECT i, 'l' || i, 'c' || mod(i - 1, 10000) + 1, 'p' || (i - 1) / 10000, 'tie',
        repeat('x', 200), '', ''
    FROM generate_series(1, 40000) i;
INSERT INTO gold (sequence, comparison_id, chosen, explanation, is_training, created_by)
    SELECT i, 'c' || i, '', '', i > 500, '' FROM generate_series(1, 1000) i;
ANALYZE;
"""
"""In PostgreSQL: 10,000 questions, each answered by p0 to p3, and 500 gold ones of either kind."""


def test_a_server_reads_neither_all_labels_nor_all_questions_for_a_check(postgres_url: str) -> None:
    """Whoever has answered all of them is the worst case: all are looked at."""
    with Store.open(postgres_url) as store, store._database.writing() as connection:
        for statement in filter(str.strip, THOUSANDS.split(";")):
            connection.exec_driver_sql(statement)
        with statements_on_labels(connection) as asked:
            assert draw_gold(connection, "p0", "c9999", random.Random(5), taken=()) is None
            assert not draw_training(connection, "p0", random.Random(5), items=9, held=(), n=9)
        assert len(asked) == 2 * 11, "4, 8, 16, 32 and then 64 questions, of either kind"
        plans = [
            row[0]
            for q, given in asked
            for row in connection.exec_driver_sql(f"EXPLAIN {q}", given)  # type: ignore[arg-type]
        ]
    whole = [step for step in plans if "Seq Scan on " in step]
    assert any("ix_labels_comparison_id" in step for step in plans)
    assert not [step for step in whole if "on labels " in step or "on comparisons " in step]


def test_no_check_passes_all_that_the_labeler_has_answered(file_store: Store) -> None:
    """Labels are looked up by the question: whoever has answered thousands waits no longer."""
    fill(file_store, 12)
    ask(file_store)
    make_gold(file_store, range(6))
    make_gold(file_store, range(6, 12), is_training=True)
    with file_store._database.reading() as connection:
        with statements_on_labels(connection) as asked:
            luck = random.Random(5)
            assert draw_gold(connection, "ann", "c0", luck, taken=()) is not None
            assert draw_training(connection, "ann", luck, items=2, held=(), n=2)
        plans = [
            row[-1]
            for q, given in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}", given)  # type: ignore[arg-type]
        ]
    of_labels = [step for step in plans if " labels " in f"{step} "]
    assert len(asked) == len(of_labels) == 2
    assert all("comparison_id=?" in step for step in of_labels), of_labels
