"""When nobody has anything left to answer, and how questions leave a batch."""

from dataclasses import replace

from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy
from tests.clock_for_tests import MovableClock
from tests.unit.store.asking_for_tests import answer, ask, give, make_gold, send
from tests.unit.store.records_for_tests import label, tie


def wanted(store: Store) -> tuple[int, int]:
    batch = store.queue.batch(0)
    assert batch is not None
    return batch.answered, batch.wanted


def test_a_batch_is_exhausted_when_everybody_who_labels_has_answered_it(store: Store) -> None:
    store.queue.open_batch(0, [("c0", 2), ("c2", 1)])
    assert not store.queue.is_exhausted(0), "somebody may still be invited"
    store.people.add("vera", "viewer")
    store.people.add("olga", "owner")
    assert not store.queue.is_exhausted(0), "viewers do not label, and this owner has not yet"
    store.people.add("ann", "labeler")
    assert not store.queue.is_exhausted(0)
    store.add_labels([label(0), label(2, question=2)])
    assert store.queue.is_exhausted(0), "c0 wants a second person, and there is none"
    store.people.add("ben", "labeler")
    assert not store.queue.is_exhausted(0)
    store.add_labels([replace(tie(9, labeler="ben"), answer="skip")])
    assert store.queue.is_exhausted(0), "ben skipped it"
    carl = store.people.add("carl", "labeler")
    assert not store.queue.is_exhausted(0)
    store.people.disable(carl.id)
    assert store.queue.is_exhausted(0), "carl is locked out"
    store.withdraw_label("l0")
    assert not store.queue.is_exhausted(0), "ann may answer c0 again"


def test_an_owner_who_labels_is_waited_for(store: Store) -> None:
    store.people.add("olga", "owner")
    store.queue.open_batch(0, [("c0", 1), ("c2", 2)])
    store.add_labels([label(0, labeler="olga")])
    assert not store.queue.is_exhausted(0)
    store.add_labels([label(2, labeler="olga", question=2)])
    assert store.queue.is_exhausted(0), "nobody else is there"


def test_questions_that_are_asked_no_longer_leave_their_answers(store: Store) -> None:
    store.people.add("ann", "labeler")
    store.queue.open_batch(0, [("c0", 3), ("c2", 2)])
    store.add_labels([label(0)])
    store.queue.ask_only(0, ["c2"])
    assert wanted(store) == (0, 2)
    assert [x.id for x in store.labels()] == ["l0"]
    store.add_labels([label(2, question=2)])
    assert store.queue.is_exhausted(0)
    store.rebuild_labels()
    assert wanted(store) == (1, 2)
    store.queue.ask_only(0, ["c2"])
    assert wanted(store) == (1, 2), "asking the same again changes nothing"
    store.withdraw_label("l0")
    assert store.queue.is_exhausted(0), "what was taken out stays out, whoever takes what back"
    store.queue.open_batch(0, [("c0", 2)])
    assert wanted(store) == (1, 4), "what is asked again is open again"
    assert store.queue.waited_for(0) == ["ann"]


def test_those_who_are_waited_for_are_named(store: Store) -> None:
    for name in ("eve", "ben", "ann"):
        store.people.add(name, "labeler")
    store.people.add("vera", "viewer")
    store.queue.open_batch(0, [("c0", 2)])
    assert store.queue.waited_for(0) == ["ann", "ben", "eve"]
    store.add_labels([label(0)])
    store.exclusions.apply("too fast", "eve", "one second each", "olga")
    assert store.queue.waited_for(0) == ["ben"], "ann has answered; eve's answers do not count"


def test_without_anybody_whose_answers_count_a_batch_waits(store: Store) -> None:
    ann = store.people.add("ann", "labeler")
    store.queue.open_batch(0, [("c0", 1)])
    rule = store.exclusions.apply("too fast", "ann", "one second each", "olga")
    assert not store.queue.is_exhausted(0), "somebody else may be let in"
    assert store.queue.waited_for(0) == []
    store.exclusions.undo(rule.id, "olga")
    assert store.queue.waited_for(0) == ["ann"]
    store.exclusions.qualify(ann.id, has_passed=False)
    assert not store.queue.is_exhausted(0)
    assert store.queue.waited_for(0) == []
    store.exclusions.qualify(ann.id, has_passed=True)
    assert store.queue.waited_for(0) == ["ann"]


def test_nobody_waits_for_those_who_failed_the_introduction(store: Store) -> None:
    cat = store.people.add("cat", "labeler")
    store.people.add("ann", "labeler")
    store.queue.open_batch(0, [("c0", 2)])
    store.add_labels([label(0)])
    assert store.queue.waited_for(0) == ["cat"]
    store.exclusions.qualify(cat.id, has_passed=False)
    assert store.queue.is_exhausted(0)


def test_a_repeat_is_no_answer_of_its_own(store: Store, clock: MovableClock) -> None:
    store.people.add("ann", "labeler")
    ask(store)
    [view] = give(store)
    send(store, answer(view, "regular"))
    clock.jump(3600)
    [again] = give(store, policy=ClaimPolicy(gold_share=0.0, retest_share=1.0))
    assert again.kind == "retest"
    send(store, answer(again))
    store.answers.withdraw("regular", "ann")
    assert view.comparison_id in {each.comparison_id for each in give(store, n=9)}
    assert store.queue.waited_for(0) == ["ann"]


def test_whoever_saw_a_question_as_gold_is_not_asked_it_as_work(store: Store) -> None:
    every = set(ask(store, wanted=2))
    make_gold(store, [0], is_training=True)
    make_gold(store, [2])
    for name in ("ann", "ben"):
        store.people.add(name, "labeler")
    policy = ClaimPolicy(gold_share=1.0, retest_share=0.0, training_items=1)
    for kind in ("training", "gold"):
        [view] = give(store, policy=policy)
        assert view.kind == kind
        send(store, answer(view))
    left = {view.comparison_id for view in give(store, n=9)}
    assert left == every - {"c0", "c2"}
    others = {view.comparison_id for view in give(store, "ben", n=9)}
    assert others == every, "for others it is work like any"
    store.queue.ask_only(0, ["c0", "c2"])
    assert store.queue.waited_for(0) == ["ben"], "nobody waits for what ann cannot give"


def test_one_labelers_flags_do_not_end_a_batch(store: Store) -> None:
    ask(store)
    for name in ("ann", "ben"):
        store.people.add(name, "labeler")
    flags = [answer(v, answer="flag", note="Harmful", is_harmful=True) for v in give(store, n=9)]
    send(store, *flags)
    assert (store.queue.waited_for(0), store.queue.n_on_hold(0)) == ([], 3)
    assert not store.queue.is_exhausted(0), "ben has answered none"
    store.holds.release("c0", "olga")
    assert (store.queue.waited_for(0), store.queue.n_on_hold(0)) == (["ben"], 2)
    send(store, *(answer(view) for view in give(store, "ben", n=9)))
    decide = OwnersVerdict(comparison_id="c1", answer="skip", reason="It harms.")
    store.adjudications.decide(decide, "olga")
    assert not store.queue.is_exhausted(0)
    store.holds.release("c2", "olga")
    send(store, *(answer(view) for view in give(store, "ben", n=9)))
    assert (store.queue.is_exhausted(0), store.queue.n_on_hold(0)) == (True, 0)


def test_nobody_waits_for_a_release_that_would_bring_no_answer(store: Store) -> None:
    ask(store)
    store.people.add("ann", "labeler")
    flags = [answer(v, answer="flag", note="Harmful", is_harmful=True) for v in give(store, n=9)]
    send(store, *flags)
    assert store.queue.is_exhausted(0), "ann alone is there, and has seen them all"
