"""What labelers wrote reaches the owner: every answer once, filtered in the database, in pages."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.labeling.answer_log import NEWEST, AnswerFilter, AnswerView, _cursors
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy
from tests.unit.store.asking_for_tests import ALWAYS_GOLD, answer, ask, give, make_gold, send
from tests.unit.store.records_for_tests import comparison, prompt, sample

REPEAT_NOW = ClaimPolicy(gold_share=0.0, retest_share=1.0, retest_after_seconds=0.0)


@pytest.fixture
def answered(store: Store) -> Store:
    """Ann and Bob disagree on c0 and agree on c1; eve flags c2 and misses a known answer on c0."""
    ask(store, wanted=9)
    for who in ("ann", "bob"):
        for view in give(store, who, n=9):
            place = 0 if who == "ann" and view.comparison_id == "c0" else 1
            chosen = sorted(view.samples, key=lambda s: s.id)[place].id
            note = "=1+1 é" if (who, view.comparison_id) == ("ann", "c1") else ""
            name = f"{who}-{view.comparison_id}"
            send(store, answer(view, name, chosen=chosen, note=note))
    make_gold(store, [0])
    gold = next(v for v in give(store, "eve", policy=ALWAYS_GOLD) if v.kind == "gold")
    wrong = next(s.id for s in gold.samples if s.id != "s3")
    send(store, answer(gold, "eve-c0", chosen=wrong, note="I doubt this"))
    [view] = [v for v in give(store, "eve", n=9) if v.comparison_id == "c2"]
    send(store, answer(view, "eve-c2", answer="flag", note="Harmful", is_harmful=True))
    return store


def listed(store: Store, view: AnswerView = "all", **more: str) -> dict[str, list[str]]:
    """The questions on the first page, each with the answers that fit."""
    page = store.answer_log.page(AnswerFilter(view=view, **more))
    return {q.asked.comparison.id: [a.id for a in q.answers if a.fits] for q in page}


def test_every_answer_is_listed_with_all_that_was_said(answered: Store) -> None:
    page = answered.answer_log.page(AnswerFilter())
    assert [q.asked.comparison.id for q in page] == ["c2", "c0", "c1"]
    assert all(a.fits for q in page for a in q.answers)
    [by_ann] = [a for q in page for a in q.answers if a.id == "ann-c1"]
    assert (by_ann.labeler, by_ann.note, by_ann.instructions, by_ann.kind, by_ann.answer) == (
        "ann",
        "=1+1 é",
        "3",
        "regular",
        "best",
    )
    assert abs(by_ann.given_at - answered.now()) < 60
    assert by_ann.chosen in by_ann.shown
    [check] = [a for a in page[1].answers if a.kind == "gold"]
    assert (check.note, check.is_right) == ("I doubt this", False)


@pytest.mark.parametrize(
    ("view", "more", "expected"),
    [
        ("flagged", {}, {"c2": ["eve-c2"]}),
        ("noted", {}, {"c2": ["eve-c2"], "c0": ["eve-c0"], "c1": ["ann-c1"]}),
        ("disagreed", {}, {"c0": ["ann-c0", "bob-c0"]}),
        ("disagreed", {"labeler": "bob"}, {"c0": ["bob-c0"]}),
        ("missed", {}, {"c0": ["eve-c0"]}),
        ("noted", {"labeler": "ann"}, {"c1": ["ann-c1"]}),
        ("all", {"labeler": "eve"}, {"c2": ["eve-c2"], "c0": ["eve-c0"]}),
        ("all", {"version": "4"}, {}),
        ("held", {}, {"c2": ["ann-c2", "bob-c2", "eve-c2"]}),
        ("decided", {}, {}),
    ],
)
def test_filters(
    answered: Store, view: AnswerView, more: dict[str, str], expected: dict[str, list[str]]
) -> None:
    found = listed(answered, view, **more)
    assert {name: sorted(ids) for name, ids in found.items()} == expected
    assert list(found) == list(expected)


def test_what_was_decided_is_disputed_no_more(answered: Store) -> None:
    made = answered.adjudications.decide(
        OwnersVerdict(comparison_id="c0", answer="tie", reason="Equal."), "olga"
    )
    assert listed(answered, "disagreed") == {}
    assert list(listed(answered, "decided")) == ["c0"]
    assert list(listed(answered, "decided", labeler="olga")) == ["c0"]
    found = answered.answer_log.question("c0")
    assert found is not None
    assert found.adjudication == made
    assert answered.answer_log.question("c9") is None


def test_an_answer_under_an_older_version_keeps_that_version(store: Store) -> None:
    ask(store, wanted=2)
    [old] = give(store, "ann")
    store.instructions.publish("4", "Which is best?", "Otherwise.", True, "olga")
    assert send(store, answer(old, "old")) == ["stored"]
    [new] = give(store, "bob")
    assert send(store, answer(new, "new", instructions="4")) == ["stored"]
    assert [a for ids in listed(store, version="3").values() for a in ids] == ["old"]
    assert [a for ids in listed(store, version="4").values() for a in ids] == ["new"]


def test_pages_hold_every_question_once(store: Store) -> None:
    _fill(store, range(3, 23))
    ask(store, wanted=3)
    for who in ("ann", "bob"):
        for n in range(3):
            for view in give(store, who, n=9, seed=n):
                send(store, answer(view))
    again = [v for v in give(store, "bob", n=1, policy=REPEAT_NOW) if v.kind == "retest"]
    send(store, *(answer(view, note="again") for view in again))
    log = store.answer_log
    pages = list(log.pages(AnswerFilter(), limit=4))
    names = [q.asked.comparison.id for page in pages for q in page]
    assert len(names) == len(set(names)) == len({x.comparison_id for x in store.labels()}) == 23
    assert max(map(len, pages)) == 4
    cursors = [q.cursor for page in pages for q in page]
    assert cursors == sorted(cursors, reverse=True)
    n_answers = sum(len(q.answers) for page in pages for q in page)
    assert n_answers == len(store.labels()) + len(store.gold.quality_checks()) == 46 + len(again)


def test_what_is_answered_while_pages_are_read_is_not_lost(store: Store) -> None:
    _fill(store, range(3, 9))
    ask(store, wanted=2)
    send(store, *(answer(view) for view in give(store, "ann", n=9)))
    pages = store.answer_log.pages(AnswerFilter(), limit=4)
    names = [q.asked.comparison.id for q in next(pages)]
    oldest = next(x.comparison_id for x in store.labels())
    assert oldest not in names
    for view in give(store, "bob", n=9):
        if view.comparison_id == oldest:
            send(store, answer(view, "meanwhile"))
    rest = [q for page in pages for q in page]
    names += [q.asked.comparison.id for q in rest]
    assert len(names) == len(set(names)) == 9
    assert "meanwhile" in {a.id for q in rest for a in q.answers}


def test_verdicts_of_an_open_contest_are_not_seen_but_flags_are(store: Store) -> None:
    held_out = [replace(comparison(n), id=f"h{n}", split="held_out", round=0) for n in (0, 1)]
    store.add_comparisons(held_out)
    store.instructions.publish("3", "Which is best?", "Read all.", False, "olga")
    number = store.judging.open(["h0", "h1"], answers=2, looks=1)
    views = {v.comparison_id: v for v in give(store, "ann", n=9)}
    send(store, answer(views["h0"], "seen-later", note="a note"))
    send(store, answer(views["h1"], "a-flag", answer="flag", note="broken"))
    assert listed(store) == {"h1": ["a-flag"]}
    assert listed(store, "noted") == {"h1": ["a-flag"]}
    store.queue.freeze(number)
    assert listed(store, "noted") == {"h1": ["a-flag"], "h0": ["seen-later"]}


@pytest.mark.parametrize(
    ("view", "more", "index"),
    [
        ("flagged", {}, "ix_labels_flags"),
        ("noted", {}, "ix_labels_notes"),
        ("all", {"labeler": "ann"}, "ix_labels_labeler_sequence"),
        ("all", {"version": "3"}, "ix_labels_instructions_sequence"),
    ],
)
def test_a_page_is_found_by_an_index(
    file_store: Store, view: AnswerView, more: dict[str, str], index: str
) -> None:
    asked: list[tuple[str, object]] = []

    def keep(_c: object, _cursor: object, statement: str, given: object, *_more: object) -> None:
        if statement.startswith("SELECT labels"):
            asked.append((statement, given))

    with file_store._database.reading() as connection:
        sa.event.listen(connection, "before_cursor_execute", keep)
        _cursors(connection, AnswerFilter(view=view, **more), NEWEST, 20)
        sa.event.remove(connection, "before_cursor_execute", keep)
        plans = [
            " / ".join(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}", g))  # type: ignore[arg-type]
            for q, g in asked
        ]
    [of_labels] = plans
    assert f"labels USING INDEX {index}" in of_labels
    assert "TEMP B-TREE" not in of_labels
    # What is looked up for each row is looked up by its question: no work grows with its square.
    steps = [step for plan in plans for step in plan.split(" / ") if "newer_row" in step]
    assert steps
    assert [step for step in steps if "comparison_id=?" not in step] == []


def _fill(store: Store, numbers: range) -> None:
    store.add_prompts([prompt(n) for n in numbers])
    store.add_samples([sample(n * 4 + i, n) for n in numbers for i in range(4)])
    store.add_comparisons([comparison(n) for n in numbers])
