import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Submission, Timing
from tests.clock_for_tests import MovableClock
from tests.unit.store.asking_for_tests import (
    ALWAYS_GOLD,
    ALWAYS_REPEAT,
    WORK_ONLY,
    answer,
    ask,
    give,
    known,
    make_gold,
    place_of,
    receipts,
    send,
)
from tests.unit.store.records_for_tests import fill, label, own_events
from tests.unit.store.sql_for_tests import change, rows

TRAINING_FIRST = ClaimPolicy(gold_share=0.0, retest_share=0.0, training_items=9)
N_REPLAYED = 400


def row_of(store: Store, view: Assignment) -> dict[str, object]:
    with store._database.reading() as connection:
        query = f"SELECT * FROM assignments WHERE id = '{view.id}'"
        return dict(connection.exec_driver_sql(query).mappings().one())


def test_an_answer_is_an_event_a_row_a_closed_view_and_a_tally(
    store: Store, clock: MovableClock
) -> None:
    ask(store)
    [view] = give(store)
    clock.jump(7)
    sent = answer(
        view, "one", note="näh", confidence=0.25,
        timing=Timing(active_seconds=2.5, first_key_seconds=0.5, device="phone"),
    )  # fmt: skip
    [receipt] = receipts(store, sent)
    assert (receipt.label_id, receipt.outcome, receipt.reason) == ("one", "stored", None)
    assert store.labels() == [sent.label]
    event = store.events()[-1]
    assert event.kind == "label"
    assert json.loads(event.payload)["id"] == "one"
    row = row_of(store, view)
    assert row["answer_id"] == "one"
    assert row["closed_at"] is not None
    assert (row["active_seconds"], row["first_key_seconds"], row["device"]) == (2.5, 0.5, "phone")
    [tally] = store.tallies.all()
    assert (tally.labeler, tally.n) == ("ann", {"best": 1})
    assert tally.seconds == row["worked_seconds"] == pytest.approx(7, abs=1)
    assert store.queue.batches()[0].answered == 1


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0])
def test_what_no_stopwatch_shows_is_not_known(store: Store, seconds: float) -> None:
    ask(store)
    [view] = give(store)
    timing = Timing(active_seconds=seconds, first_key_seconds=seconds)
    assert send(store, answer(view, timing=timing)) == ["stored"]
    assert row_of(store, view)["active_seconds"] is None
    assert row_of(store, view)["first_key_seconds"] is None


@pytest.mark.parametrize("kind", ["best", "tie", "all_bad", "skip", "flag"])
def test_only_preferences_count_for_the_question(store: Store, kind: str) -> None:
    ask(store)
    [view] = give(store)
    assert send(store, answer(view, answer=kind)) == ["stored"]
    expected = 1 if kind in ("best", "tie", "all_bad") else 0
    assert store.queue.batches()[0].answered == expected
    others = {v.comparison_id for v in give(store, "bob", 9)}
    assert (view.comparison_id in others) == (expected == 0)


# --- What is refused -----------------------------------------------------------------------------


def _others(sent: Submission) -> Submission:
    return replace(sent, label=replace(sent.label, labeler="bob"))


WRONG = {
    "somebody else's view": _others,
    "no such view": lambda sent: replace(sent, assignment_id="none"),
    "another question": lambda sent: replace(sent, label=replace(sent.label, comparison_id="c9")),
    "another order": lambda sent: replace(
        sent, label=replace(sent.label, shown=sent.label.shown[::-1])
    ),
    "fewer samples": lambda sent: replace(
        sent, label=replace(sent.label, shown=sent.label.shown[:3])
    ),
    "unknown sample": lambda sent: replace(sent, label=replace(sent.label, chosen="s99")),
    "no sample": lambda sent: replace(sent, label=replace(sent.label, chosen=None)),
    "a tie with a winner": lambda sent: replace(sent, label=replace(sent.label, answer="tie")),
    "no such answer": lambda sent: replace(sent, label=replace(sent.label, answer="left")),
    "unknown version": lambda sent: replace(sent, label=replace(sent.label, instructions="99")),
    "endless time": lambda sent: replace(sent, label=replace(sent.label, seconds=math.inf)),
    "null character": lambda sent: replace(sent, label=replace(sent.label, note="a\0b")),
    "half a character": lambda sent: replace(sent, label=replace(sent.label, note="\ud83d")),
    "half a device": lambda sent: replace(sent, timing=Timing(device="\udc00")),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_impossible_answer_is_refused_and_the_rest_of_its_group_stored(
    store: Store, name: str
) -> None:
    ask(store)
    views = give(store, n=3)
    group = [answer(view, f"a{i}") for i, view in enumerate(views)]
    group[1] = WRONG[name](group[1])
    found = receipts(store, *group)
    assert [receipt.outcome for receipt in found] == ["stored", "refused", "stored"]
    assert found[1].reason not in (None, "answered", "changed", "id_in_use", "closed", "explained")
    assert (found[1].reason == "unfit") == bool(found[1].problems)
    assert [x.id for x in store.labels()] == ["a0", "a2"]
    assert len(own_events(store)) == 3  # the instructions and two labels


def test_what_is_not_yours_and_what_is_not_there_sound_the_same(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "anns"))
    told = {
        receipts(store, _others(answer(view)))[0].reason,
        receipts(store, replace(answer(view), assignment_id="none"))[0].reason,
        store.answers.withdraw("anns", "bob").reason,
        store.answers.withdraw("none", "ann").reason,
    }
    assert told == {"not_yours"}
    assert [x.id for x in store.labels()] == ["anns"]


def test_instructions_published_meanwhile_are_known_at_once(store: Store) -> None:
    ask(store)
    [view, other, _] = give(store, n=3)
    assert send(store, answer(view)) == ["stored"]
    store.instructions.publish("4", "Which is best?", "Other words.", True, "owner")
    assert send(store, answer(other, instructions="4")) == ["stored"]


# --- Sent again ----------------------------------------------------------------------------------


def test_the_same_answer_again_changes_nothing(store: Store) -> None:
    ask(store)
    sent = answer(give(store)[0])
    assert send(store, sent, sent) == ["stored", "same"]
    before = [
        rows(store, table) for table in ("labels", "events", "queue", "assignments", "tallies")
    ]
    assert send(store, sent) == ["same"]
    store.queue.freeze(0)
    store.answers.withdraw(sent.label.id, "ann")
    assert send(store, sent) == ["same"]
    assert rows(store) == before[0]
    assert rows(store, "tallies") == before[4]


@pytest.mark.parametrize(
    "changes",
    [{"place": 1}, {"answer": "tie"}, {"note": "other"}, {"seconds": 9.0}, {"confidence": 0.5}],
)
def test_another_answer_under_a_stored_id_is_a_conflict(
    store: Store, changes: dict[str, Any]
) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "id"))
    assert send(store, answer(view, "id", **changes)) == ["conflict"]
    [other] = give(store, "bob")
    assert send(store, answer(other, "id")) == ["conflict"]
    assert [(x.labeler, x.note) for x in store.labels()] == [("ann", "")]


def test_a_second_first_answer_is_a_conflict(store: Store) -> None:
    ask(store, wanted=3)
    [view] = give(store)
    assert send(store, answer(view, "tab one"), answer(view, "tab two")) == ["stored", "conflict"]
    assert send(store, answer(view, "tab three")) == ["conflict"]


def test_two_views_of_one_question_take_one_answer(store: Store, clock: MovableClock) -> None:
    ask(store)
    slept = {view.comparison_id: view for view in give(store, n=3)}
    clock.jump(WORK_ONLY.lease_seconds + 1)
    [awake] = give(store)
    asleep = slept[awake.comparison_id]
    assert asleep.id != awake.id
    assert send(store, answer(awake), answer(asleep)) == ["stored", "conflict"]
    assert len(store.labels()) == 1


def test_replays_in_any_order_and_across_restarts_store_each_answer_once(place: str | Path) -> None:
    """Hundreds of answers, each sent 1 to 5 times, shuffled, the store reopened meanwhile."""
    rng = random.Random(3)
    with Store.open(place) as store:
        fill(store, 100)
        ask(store, wanted=100)
        sent = []
        for i in range(N_REPLAYED // 100):
            sent += [answer(view, f"{view.id}") for view in give(store, f"labeler{i}", 100, seed=i)]
    assert len(sent) == N_REPLAYED
    replays = [each for each in sent for _ in range(rng.randint(1, 5))]
    forged = [replace(each, label=replace(each.label, note="forged")) for each in sent[::20]]
    rng.shuffle(replays)
    outcomes: dict[str, list[str]] = {each.label.id: [] for each in sent}
    for start in range(0, len(replays), 250):
        with Store.open(place) as store:
            for begin in range(start, min(start + 250, len(replays)), 64):
                group = replays[begin : min(begin + 64, start + 250)]
                for receipt in store.answers.submit(group):
                    outcomes[receipt.label_id].append(receipt.outcome)
    with Store.open(place) as store:
        assert set(send(store, *forged)) == {"conflict"}
        assert {x.id for x in store.labels()} == set(outcomes)
        assert sorted(store.labels(), key=lambda x: x.id) == sorted(
            (each.label for each in sent), key=lambda x: x.id
        )
        assert all(each == ["stored"] + ["same"] * (len(each) - 1) for each in outcomes.values())
        store.verify_chain()
        assert len(own_events(store)) == N_REPLAYED + 1
        assert store.queue.batches()[0].answered == N_REPLAYED


# --- Late ----------------------------------------------------------------------------------------


def test_every_late_answer_is_stored_and_credited(store: Store, clock: MovableClock) -> None:
    fill(store, 20)
    ask(store)
    slow = give(store, "ann", 20)
    clock.jump(WORK_ONLY.lease_seconds + 1)
    quick = give(store, "bob", 20)
    assert send(store, *(answer(view) for view in quick)) == ["stored"] * 20
    assert send(store, *(answer(view) for view in slow)) == ["stored"] * 20
    assert store.tallies.totals() == {"ann": {"best": 20}, "bob": {"best": 20}}
    assert len(store.labels()) == 40
    assert store.queue.batches()[0].answered == 20


def test_an_answer_after_the_batch_has_closed_is_late_and_stays(store: Store) -> None:
    ask(store, wanted=2)
    make_gold(store, [2])
    [work] = give(store)
    [silent] = give(store, "bob", policy=ALWAYS_GOLD)
    store.queue.freeze(0)
    sent = [answer(work, "regular"), answer(silent, "gold")]
    found = receipts(store, *sent)
    assert [receipt.outcome for receipt in found] == ["late", "late"]
    assert send(store, *sent) == ["same", "same"]
    assert [x.id for x in store.labels()] == ["regular"]
    told = {
        store.answers.withdraw("regular", "ann").outcome,
        store.answers.withdraw("gold", "bob").outcome,
        *send(store, answer(work, "edit", replaces="regular")),
        *send(store, answer(silent, "edit too", replaces="gold")),
    }
    assert told == {"closed"}


# --- Changed and taken back ----------------------------------------------------------------------


def test_an_edit_names_what_it_replaces(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "first"))
    edit = answer(view, "second", place=1, replaces="first")
    assert send(store, edit) == ["stored"]
    assert send(store, edit) == ["same"]
    assert send(store, answer(view, "third", replaces="first")) == ["conflict"]
    assert send(store, answer(view, "fourth", replaces="none")) == ["conflict"]
    assert send(store, answer(view, "fifth", replaces="second")) == ["stored"]
    assert [x.id for x in store.labels()] == ["fifth"]
    assert [event.kind for event in own_events(store)][1:] == ["label"] * 3
    assert row_of(store, view)["answer_id"] == "fifth"
    assert store.tallies.totals() == {"ann": {"best": 1}}
    assert store.queue.batches()[0].answered == 1


def test_edits_within_one_group_follow_each_other(store: Store) -> None:
    ask(store)
    [view] = give(store)
    group = [
        answer(view, "a"),
        answer(view, "b", answer="skip", replaces="a"),
        answer(view, "c", replaces="a"),
        answer(view, "d", place=2, replaces="b"),
    ]
    assert send(store, *group) == ["stored", "stored", "conflict", "stored"]
    assert store.labels() == [group[3].label]
    before = rows(store), rows(store, "queue")
    store.rebuild_labels()
    assert (rows(store), rows(store, "queue")) == before


def test_an_answer_taken_back_and_given_anew_is_counted_once(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "slip"))
    store.answers.withdraw("slip", "ann")
    assert send(store, answer(view, "meant", answer="tie")) == ["stored"]
    assert store.tallies.totals() == {"ann": {"best": 1}}, "one question, and the time it took"
    [other] = give(store)
    send(store, answer(other, "next"))
    assert store.tallies.totals() == {"ann": {"best": 2}}


def test_an_edit_to_a_skip_opens_the_question_for_others(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "a"))
    assert view.comparison_id not in {v.comparison_id for v in give(store, "bob", 9)}
    send(store, answer(view, "b", answer="skip", replaces="a"))
    assert view.comparison_id in {v.comparison_id for v in give(store, "bob", 9)}


def test_taking_back_leaves_the_question_with_its_labeler(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "slip"))
    assert store.answers.withdraw("slip", "ann").outcome == "stored"
    assert store.answers.withdraw("slip", "ann").outcome == "same"
    assert store.labels() == []
    assert store.queue.batches()[0].answered == 0
    assert [event.kind for event in own_events(store)][1:] == ["label", "label_withdrawn"]
    assert view.comparison_id not in {v.comparison_id for v in give(store, "bob", 9)}
    assert [(v.id, v.samples) for v in give(store)] == [(view.id, view.samples)]
    assert send(store, answer(view, "slip")) == ["same"], "what was taken back stays so"
    assert store.labels() == []
    assert send(store, answer(view, "meant", place=1)) == ["stored"]
    assert [x.id for x in store.labels()] == ["meant"]


def test_an_answer_that_was_replaced_cannot_be_taken_back(store: Store) -> None:
    ask(store)
    [view] = give(store)
    send(store, answer(view, "a"), answer(view, "b", replaces="a"))
    assert store.answers.withdraw("a", "ann").outcome == "conflict"
    assert [x.id for x in store.labels()] == ["b"]


# --- Gold, training, repeats ---------------------------------------------------------------------


def test_gold_becomes_a_check_and_no_label(store: Store) -> None:
    fill(store, 4)
    store.queue.open_batch(0, [("c3", 9)])
    store.instructions.publish("3", "q", "t", False, "owner")
    make_gold(store, [0, 1, 2])
    expected = {}
    for name, kind in [("right", "best"), ("wrong", "best"), ("tie", "tie"), ("skip", "skip")]:
        [view] = give(store, name, policy=ALWAYS_GOLD)
        best = place_of(view, known(int(view.comparison_id[1:])))
        place = (best + 1) % 4 if name == "wrong" else best
        sent = answer(view, f"by {name}", place=place, answer=kind)
        [receipt] = receipts(store, sent)
        assert (receipt.outcome, receipt.is_right, receipt.known) == ("stored", None, None)
        assert receipt.explanation == ""
        expected[name] = {"right": True, "wrong": False, "tie": False, "skip": None}[name]
    checks = store.gold.quality_checks()
    assert {check.labeler: check.is_right for check in checks} == expected
    assert all(check.kind == "gold" for check in checks)
    assert store.labels() == []
    assert store.queue.batches()[0].answered == 0
    assert sum(n for who in store.tallies.totals().values() for n in who.values()) == 4


def test_training_is_explained_again_whenever_it_is_sent(store: Store) -> None:
    ask(store)
    make_gold(store, [0, 1], is_training=True)
    for seed, is_right in [(0, True), (1, False)]:
        [view] = give(store, policy=TRAINING_FIRST, seed=seed)
        best = known(int(view.comparison_id[1:]))
        place = (place_of(view, best) + (0 if is_right else 1)) % 4
        sent = answer(view, f"t{seed}", place=place)
        for outcome in ("stored", "same"):
            [receipt] = receipts(store, sent)
            assert receipt.outcome == outcome
            assert (receipt.is_right, receipt.known) == (is_right, best)
            assert receipt.explanation == "It is the one that ends."
        assert store.answers.withdraw(f"t{seed}", "ann").outcome == "closed"
        assert send(store, answer(view, "x", replaces=f"t{seed}")) == ["closed"]
    assert [check.is_right for check in store.gold.quality_checks("ann")] == [True, False]


def test_gold_that_ended_while_it_was_on_screen_is_judged_all_the_same(store: Store) -> None:
    ask(store)
    make_gold(store, [0])
    [view] = give(store, policy=ALWAYS_GOLD)
    store.gold.end("c0")
    send(store, answer(view, place=place_of(view, known(0))))
    assert [check.is_right for check in store.gold.quality_checks()] == [True]


@pytest.mark.parametrize(("steps", "kind", "is_right"), [
    (0, "best", True), (1, "best", False), (0, "tie", False), (0, "flag", None),
])  # fmt: skip
def test_a_repeat_is_measured_by_the_first_answer(
    store: Store, clock: MovableClock, steps: int, kind: str, is_right: bool | None
) -> None:
    ask(store, wanted=2)
    [view] = give(store)
    first = answer(view, "first", place=2)
    send(store, first)
    clock.jump(ALWAYS_REPEAT.retest_after_seconds + 1)
    [again] = give(store, policy=ALWAYS_REPEAT)
    where = (place_of(again, str(first.label.chosen)) + steps) % 4
    assert send(store, answer(again, "again", place=where, answer=kind)) == ["stored"]
    assert [(c.kind, c.is_right) for c in store.gold.quality_checks("ann")] == [
        ("retest", is_right)
    ]
    assert store.labels() == [first.label]


def test_a_slip_on_gold_can_be_changed_and_taken_back_like_any(store: Store) -> None:
    ask(store)
    make_gold(store, [0])
    [view] = give(store, policy=ALWAYS_GOLD)
    best = place_of(view, known(0))
    send(store, answer(view, "slip", place=(best + 1) % 4))
    assert send(store, answer(view, "mended", place=best, replaces="slip")) == ["stored"]
    assert [(c.id, c.is_right) for c in store.gold.quality_checks()] == [("mended", True)]
    assert store.answers.withdraw("slip", "ann").outcome == "conflict"
    assert store.answers.withdraw("mended", "ann").outcome == "stored"
    assert store.answers.withdraw("mended", "ann").outcome == "same"
    assert store.gold.quality_checks() == []
    assert send(store, answer(view, "mended", place=best)) == ["same"]
    assert give(store)[0].id == view.id
    assert send(store, answer(view, "at last", place=best)) == ["stored"]
    kinds = [event.kind for event in own_events(store)]
    assert kinds == ["instructions_published", "gold_added", "check", "check", "check_withdrawn",
                     "check"]  # fmt: skip


# --- The ledger is the truth ---------------------------------------------------------------------


def busy(store: Store, clock: MovableClock) -> None:
    """Let several people do everything that can be done."""
    fill(store, 12)
    ask(store, wanted=2)
    make_gold(store, [9, 10])
    make_gold(store, [11], is_training=True)
    policy = ClaimPolicy(gold_share=0.3, retest_share=0.3, training_items=1)
    rng = random.Random(7)
    for turn in range(24):
        who = f"labeler{turn % 4}"
        clock.jump(900)
        for i, view in enumerate(give(store, who, 3, policy=policy, seed=turn)):
            name = f"{turn}-{i}"
            kind = rng.choice(["best", "best", "best", "tie", "all_bad", "skip", "flag"])
            send(store, answer(view, name, place=rng.randrange(4), answer=kind))
            if rng.random() < 0.3:
                send(store, answer(view, f"{name}-edit", place=0, replaces=name))
            if rng.random() < 0.2:
                store.answers.withdraw(name, who)
        if turn == 18:
            store.queue.freeze(0)
    store.add_labels([label(99, labeler="imported", question=3)])


def test_everything_derived_is_rebuilt_to_the_last_bit(store: Store, clock: MovableClock) -> None:
    busy(store, clock)
    derived = ("labels", "quality_checks", "queue")
    before = {table: rows(store, table) for table in derived}
    kinds = {event.kind for event in store.events()}
    assert kinds >= {"label", "label_withdrawn", "check", "batch_frozen"}
    assert {row[4] for row in before["quality_checks"]} >= {"'gold'", "'retest'", "'training'"}
    for statement in (
        "DELETE FROM quality_checks WHERE sequence > 20",
        "UPDATE quality_checks SET is_right = NULL",
        "UPDATE labels SET ended_by = NULL, note = 'forged' WHERE labeler = 'labeler1' "
        "AND ended_by IS NULL",
        "UPDATE queue SET answered = 77",
    ):
        change(store, statement)
    assert rows(store, "queue") != before["queue"]
    n_labels = store.rebuild_labels()
    assert {table: rows(store, table) for table in derived} == before
    assert n_labels == len(before["labels"])
    assert store.verify_chain() == len(store.events())


def test_many_answers_take_few_statements(store: Store) -> None:
    import sqlalchemy as sa

    fill(store, 64)
    ask(store)
    group = [answer(view) for view in give(store, n=64)]
    store.answers.submit(group[:1])
    statements: list[str] = []
    sa.event.listen(
        store._database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: statements.append(statement),
    )
    store.answers.submit(group[1:])
    assert len(statements) <= 14, "\n".join(statements)
