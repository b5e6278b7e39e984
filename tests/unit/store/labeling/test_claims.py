import itertools
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa
from scipy.stats import chi2_contingency, chisquare

from prefloop.store.core.team_tables import queue
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.unit.store.asking_for_tests import (
    ALWAYS_GOLD,
    ALWAYS_REPEAT,
    WORK_ONLY,
    answer,
    ask,
    give,
    known,
    make_gold,
    send,
)
from tests.unit.store.records_for_tests import comparison, fill, label


def names(store: Store, labeler: str, n: int = 9) -> set[str]:
    return {view.comparison_id for view in give(store, labeler, n)}


def test_two_people_never_hold_the_same_question_beyond_what_is_wanted(store: Store) -> None:
    everything = set(ask(store, wanted=2))
    assert names(store, "ann") == names(store, "bob") == everything
    assert names(store, "carl") == set()


def test_many_who_ask_at_the_same_instant_get_what_is_wanted_and_no_more(store: Store) -> None:
    fill(store, 12)
    every = ask(store, wanted=3)
    people = [f"labeler {n}" for n in range(32)]
    start = Barrier(len(people))

    def views(name: str) -> list[str]:
        start.wait(30)
        return [view.comparison_id for view in give(store, name, 4)]

    with ThreadPoolExecutor(len(people)) as threads:
        given = list(threads.map(views, people))
    assert all(len(set(own)) == len(own) for own in given)
    assert Counter(itertools.chain(*given)) == dict.fromkeys(every, 3)


def test_a_reload_or_a_second_tab_shows_the_same_questions(store: Store) -> None:
    ask(store, wanted=3)
    first = give(store, n=2, seed=1)
    assert give(store, n=2, seed=2) == first
    assert give(store, n=1, seed=3) == first[:1]
    more = give(store, n=3, seed=4)
    assert more[:2] == first
    assert len({view.comparison_id for view in more}) == 3
    assert give(store, n=9, seed=5) == more


def test_what_somebody_answered_is_not_given_to_them_again(store: Store) -> None:
    ask(store, wanted=3)
    store.add_labels([label(0)])
    views = give(store, n=9)
    assert {view.comparison_id for view in views} == {"c1", "c2"}
    kinds = ["skip", "flag"]
    send(store, *(answer(v, answer=kind) for v, kind in zip(views, kinds, strict=True)))
    assert give(store, n=9) == []
    assert names(store, "bob") == {"c0", "c1", "c2"}


def test_two_flags_take_a_question_away_from_everybody(store: Store) -> None:
    ask(store, wanted=5)
    for i, name in enumerate(["ann", "bob"]):
        assert names(store, name) == {"c0", "c1", "c2"}
        view = next(v for v in give(store, name, 9) if v.comparison_id == "c1")
        send(store, answer(view, f"flag{i}", answer="flag"))
    assert names(store, "carl") == {"c0", "c2"}
    store.answers.withdraw("flag0", "ann")
    assert names(store, "dora") == {"c0", "c1", "c2"}


def test_work_that_others_have_finished_is_not_shown_again(
    store: Store, clock: MovableClock
) -> None:
    ask(store)
    slow = give(store, "ann", 3)
    clock.jump(2 * WORK_ONLY.lease_seconds)
    quick = give(store, "bob", 3)
    assert len(quick) == 3
    clock.jump(-2 * WORK_ONLY.lease_seconds)
    send(store, *(answer(view) for view in slow[:2]))
    # Bob holds all three; the two that ann finished need nobody now.
    clock.jump(2 * WORK_ONLY.lease_seconds)
    left = give(store, "bob", 9)
    assert [view.comparison_id for view in left] == [slow[2].comparison_id]


def test_a_lease_that_ends_frees_the_question_without_a_sweeper(
    store: Store, clock: MovableClock
) -> None:
    everything = set(ask(store))
    lost = give(store, "ann", 9)
    clock.jump(WORK_ONLY.lease_seconds - 60)
    assert names(store, "bob") == set()
    clock.jump(61)
    assert names(store, "bob") == everything
    assert give(store, "ann", 9) == []
    assert send(store, answer(lost[0])) == ["stored"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_frees_questions_instead_of_blocking_them(
    store: Store, clock: MovableClock, hours: float
) -> None:
    everything = set(ask(store))
    held = give(store, "ann", 9)
    clock.jump(hours * HOUR_SECONDS)
    again = give(store, "bob", 9)
    assert {view.comparison_id for view in again} == everything
    assert send(store, *(answer(view) for view in again)) == ["stored"] * 3
    assert send(store, *(answer(view) for view in held)) == ["stored"] * 3
    clock.jump(-hours * HOUR_SECONDS)
    assert store.queue.batches()[0].answered == 3


def test_a_small_step_of_the_clock_disturbs_nobody(store: Store, clock: MovableClock) -> None:
    ask(store)
    held = give(store, "ann", 9)
    clock.jump(-30)
    assert give(store, "bob", 9) == []
    assert give(store, "ann", 9) == held


def test_leases_are_renewed_while_nobody_else_has_the_question(
    store: Store, clock: MovableClock
) -> None:
    ask(store)
    held = give(store, "ann", 3)
    clock.jump(600)
    assert store.queue.renew([view.id for view in held[:2]], "ann") == [v.id for v in held[:2]]
    assert store.queue.renew([held[2].id], "bob") == []
    clock.jump(600)
    [taken] = give(store, "bob", 9)
    assert taken.comparison_id == held[2].comparison_id
    assert store.queue.renew([view.id for view in held], "ann") == [v.id for v in held[:2]]
    clock.jump(WORK_ONLY.lease_seconds + 1)
    renewed = store.queue.renew([view.id for view in held], "ann")
    assert set(renewed) == {view.id for view in held}
    assert [view.id for view in give(store, "ann", 3)] == renewed
    for _ in range(20):
        clock.jump(600)
        store.queue.renew([held[0].id], "ann")
    view = store.queue.assignment(held[0].id)
    assert view is not None
    assert view.leased_until - view.leased_at == pytest.approx(WORK_ONLY.lease_seconds)


def test_an_ended_lease_of_an_answered_question_is_not_renewed(
    store: Store, clock: MovableClock
) -> None:
    ask(store)
    [held] = give(store, "ann")
    clock.jump(WORK_ONLY.lease_seconds + 1)
    other = next(v for v in give(store, "bob", 9) if v.comparison_id == held.comparison_id)
    send(store, answer(other))
    assert store.queue.renew([held.id], "ann") == []
    assert store.queue.renew([other.id], "bob") == []


def test_gold_does_not_come_back_where_work_does_not(store: Store, clock: MovableClock) -> None:
    """Renewed alone, it would be known as gold."""
    fill(store, 12)
    ask(store)
    make_gold(store, [0])
    for name in ("ann", "bob"):
        store.people.add(name, "labeler")
    held = give(store, n=9, policy=ClaimPolicy(gold_share=0.5, retest_share=0.0))
    assert {view.kind for view in held} == {"regular", "gold"}
    clock.jump(WORK_ONLY.lease_seconds + 1)
    ids = [view.id for view in held]
    assert set(store.queue.renew(ids, "ann")) == set(ids), "all of them, while there is work"
    clock.jump(WORK_ONLY.lease_seconds + 1)
    store.batch_shares.assign(0, {"bob": None}, "owner")
    assert store.queue.renew(ids, "ann") == []


def test_what_is_given_back_goes_to_others_and_may_be_answered_still(store: Store) -> None:
    ask(store)
    held = give(store, "ann", 9)
    store.queue.give_back([view.id for view in held], "bob")
    assert names(store, "bob") == set()
    store.queue.give_back([held[0].id], "ann")
    assert names(store, "bob") == {held[0].comparison_id}
    assert send(store, answer(held[0])) == ["stored"]
    assert [view.id for view in give(store, "ann", 9)] == [view.id for view in held[1:]]


def test_newcomers_are_trained_first_and_never_twice_with_the_same(store: Store) -> None:
    fill(store, 8)
    ask(store, wanted=5)
    make_gold(store, [0, 1, 2, 3], is_training=True)
    policy = ClaimPolicy(gold_share=0.0, retest_share=0.0, training_items=3)
    held = give(store, n=2, policy=policy)
    assert give(store, n=2, policy=policy, seed=1) == held
    seen = []
    for seed in range(5):
        [view] = give(store, policy=policy, seed=seed)
        seen.append((view.kind, view.comparison_id))
        send(store, answer(view))
    assert [kind for kind, _ in seen] == ["training"] * 3 + ["regular"] * 2
    assert len(set(seen)) == 5
    assert {name for kind, name in seen if kind == "training"} <= {"c0", "c1", "c2", "c3"}
    assert [check.kind for check in store.gold.quality_checks("ann")] == ["training"] * 3


def test_training_comes_before_there_is_work_and_ends_with_the_pool(store: Store) -> None:
    ask(store)
    store.queue.freeze(0)
    make_gold(store, [0], is_training=True)
    policy = ClaimPolicy(training_items=5)
    [view] = give(store, n=4, policy=policy)
    assert view.kind == "training"
    send(store, answer(view))
    assert give(store, n=4, policy=policy) == []


def test_gold_comes_with_its_share_whatever_came_before(file_store: Store) -> None:
    """Each question is drawn by itself: gold follows gold as often as it follows work."""
    store = file_store
    fill(store, 900)
    ask(store)
    make_gold(store, range(300))
    policy = ClaimPolicy(gold_share=0.2, retest_share=0.0)
    kinds = []
    for seed in range(60):
        # Some stay on screen, as in a page that fetches ahead.
        views = give(store, n=10, policy=policy, seed=seed)[:8]
        kinds += [view.kind for view in views]
        send(store, *(answer(view) for view in views))
    assert 0.16 < kinds.count("gold") / len(kinds) < 0.24
    pairs = Counter(itertools.pairwise(kinds))
    table = [[pairs[a, b] for b in ("gold", "regular")] for a in ("gold", "regular")]
    assert chi2_contingency(table).pvalue > 0.01
    asked = [check.comparison_id for check in store.gold.quality_checks("ann")]
    assert len(set(asked)) == len(asked) == kinds.count("gold")


def test_questions_that_come_together_are_no_neighbors(file_store: Store) -> None:
    """Runs of the queue would come together again; silent gold between them would not."""
    store = file_store
    fill(store, 300)
    ask(store, wanted=5)
    query = sa.select(queue.c.comparison_id).order_by(queue.c.position)
    with store._database.reading() as connection:
        order = {name: i for i, name in enumerate(connection.execute(query).scalars())}
    gaps = []
    for seed in range(40):
        views = give(store, f"labeler{seed}", 3, seed=seed)
        numbers = [order[view.comparison_id] for view in views]
        gaps += [(b - a) % 300 for a, b in itertools.pairwise(numbers)]
    assert sum(gap == 1 for gap in gaps) < 8
    assert chisquare([sum(g < 150 for g in gaps), sum(g >= 150 for g in gaps)]).pvalue > 0.001


def test_gold_that_was_handed_out_is_spent(store: Store, clock: MovableClock) -> None:
    """Given back, lapsed or withdrawn: who looks for gold sees none of it twice."""
    fill(store, 12)
    ask(store, wanted=9)
    make_gold(store, [0, 1, 2])
    [given_back] = give(store, policy=ALWAYS_GOLD)
    store.queue.give_back([given_back.id], "ann")
    [lapsed] = give(store, policy=ALWAYS_GOLD)
    clock.jump(ALWAYS_GOLD.lease_seconds + 1)
    [withdrawn] = give(store, policy=ALWAYS_GOLD)
    assert send(store, answer(withdrawn, "w")) == ["stored"]
    store.answers.withdraw("w", "ann")
    store.queue.give_back([withdrawn.id], "ann")
    seen = [given_back, lapsed, withdrawn]
    assert [view.kind for view in seen] == ["gold"] * 3
    assert len({view.comparison_id for view in seen}) == 3
    assert [view.kind for view in give(store, n=5, policy=ALWAYS_GOLD)] == ["regular"] * 5
    # Whoever comes back to a question that lapsed may answer it.
    assert send(store, answer(lapsed)) == ["stored"]
    # For others it is as good as new.
    assert [view.kind for view in give(store, "bob", policy=ALWAYS_GOLD)] == ["gold"]


def test_what_was_given_back_as_work_never_comes_again_as_gold(store: Store) -> None:
    ask(store, wanted=9)
    held = give(store, n=3)
    store.queue.give_back([view.id for view in held], "ann")
    make_gold(store, [0, 1, 2])
    assert {view.kind for view in give(store, n=3, policy=ALWAYS_GOLD)} == {"regular"}


def test_nobody_who_gives_everything_back_learns_which_questions_are_gold(
    file_store: Store,
) -> None:
    """Of what came twice nothing is gold, and what came once is gold as often as any question."""
    store = file_store
    fill(store, 400)
    ask(store, wanted=9)
    make_gold(store, range(40))
    policy = ClaimPolicy(gold_share=0.2, retest_share=0.0)
    seen: list[tuple[str, str]] = []
    for seed in range(40):
        views = give(store, n=3, policy=policy, seed=seed)
        seen += [(view.comparison_id, view.kind) for view in views]
        store.queue.give_back([view.id for view in views], "ann")
    times = Counter(name for name, _ in seen)
    golds = [name for name, kind in seen if kind == "gold"]
    assert len(golds) > 10
    assert len(set(golds)) == len(golds)
    # Today's tell was the other way round: gold, from a small pool, came again and again.
    assert all(times[name] < 4 for name in golds)
    found = store.recent.unanswered()["ann"]
    assert (found.questions, found.known) == (120, len(golds))


def test_questions_left_unanswered_are_counted(store: Store, clock: MovableClock) -> None:
    fill(store, 12)
    ask(store, wanted=9)
    make_gold(store, [0])
    assert store.recent.unanswered() == {}
    held = give(store, n=3)
    assert store.recent.unanswered() == {}, "what is on screen is not left yet"
    store.queue.give_back([held[0].id], "ann")
    [gold] = give(store, "bob", policy=ALWAYS_GOLD)
    store.queue.give_back([gold.id], "bob")
    clock.jump(WORK_ONLY.lease_seconds + 1)
    found = store.recent.unanswered()
    assert {name: (x.questions, x.known) for name, x in found.items()} == {
        "ann": (3, 0),
        "bob": (1, 1),
    }
    # A late answer is one.
    send(store, answer(held[0]), answer(held[1]))
    assert store.recent.unanswered()["ann"].questions == 1


def test_a_clock_set_back_after_a_freeze_leaves_later_gold_on_screen(
    store: Store, clock: MovableClock
) -> None:
    fill(store, 12)
    ask(store, wanted=9)
    make_gold(store, [0, 1])
    store.queue.open_batch(1, [])
    clock.jump(HOUR_SECONDS)
    store.queue.freeze(0)
    clock.jump(-HOUR_SECONDS)
    store.add_comparisons([replace(comparison(5), id="next", round=1)])
    store.queue.open_batch(1, [("next", 3)])
    [held] = give(store, policy=ALWAYS_GOLD)
    assert held.kind == "gold"
    assert give(store, policy=ALWAYS_GOLD) == [held]
    assert send(store, answer(held, "a")) == ["stored"]
    assert store.own_answers.can_edit(["a"]) == {"a"}


def test_nobody_who_keeps_asking_uses_up_the_gold(store: Store) -> None:
    ask(store)
    make_gold(store, [0])
    send(store, *(answer(view) for view in give(store, "bob", 3)))
    assert give(store, "ann", 3, policy=ALWAYS_GOLD) == []


def test_who_has_nothing_left_keeps_nobody_from_writing(store: Store) -> None:
    ask(store)
    views = give(store, "ann", 3)
    send(store, *(answer(view, f"a{i}") for i, view in enumerate(views)))
    assert give(store, "ann") == give(store, "bob") == []
    with store._database.writing():
        assert give(store, "ann") == give(store, "bob") == []
    store.answers.withdraw("a1", "ann")
    assert [view.id for view in give(store, "ann", 3)] == [views[1].id]
    assert give(store, "bob") == []
    store.queue.give_back([views[1].id], "ann")
    assert [view.comparison_id for view in give(store, "bob")] == [views[1].comparison_id]


def test_gold_that_was_answered_as_work_is_no_test(store: Store) -> None:
    fill(store, 5)
    store.queue.open_batch(0, [("c0", 3), ("c1", 3), ("c2", 3)])
    store.add_labels([label(0)])
    make_gold(store, [0])
    assert [view.kind for view in give(store, "ann", policy=ALWAYS_GOLD)] == ["regular"]
    assert [view.kind for view in give(store, "bob", policy=ALWAYS_GOLD)] == ["gold"]


def test_gold_that_has_ended_is_not_asked(store: Store) -> None:
    ask(store)
    make_gold(store, [0])
    store.gold.end("c0")
    assert [view.kind for view in give(store, policy=ALWAYS_GOLD)] == ["regular"]


def test_repeats_come_after_a_while_once_and_half_of_them_reversed(
    file_store: Store, clock: MovableClock
) -> None:
    store = file_store
    fill(store, 150)
    ask(store)
    first = give(store, n=120)
    send(store, *(answer(view) for view in first))
    assert [view.kind for view in give(store, policy=ALWAYS_REPEAT)] == ["regular"]
    store.queue.give_back([view.id for view in give(store)], "ann")
    clock.jump(ALWAYS_REPEAT.retest_after_seconds + 1)
    orders = {view.comparison_id: [s.id for s in view.samples] for view in first}
    same = 0
    repeated = []
    for seed in range(10):
        views = give(store, n=10, policy=ALWAYS_REPEAT, seed=seed)
        for view in views:
            assert view.kind == "retest"
            repeated.append(view.comparison_id)
            order = [sample.id for sample in view.samples]
            assert order in (orders[view.comparison_id], orders[view.comparison_id][::-1])
            same += order == orders[view.comparison_id]
        send(store, *(answer(view) for view in views))
    assert len(set(repeated)) == 100
    assert 35 <= same <= 65
    assert len(store.labels()) == 120


def test_only_answers_that_stand_and_prefer_are_repeated(store: Store, clock: MovableClock) -> None:
    fill(store, 6)
    ask(store)
    views = give(store, n=4)
    send(
        store,
        answer(views[0], answer="skip"),
        answer(views[1], answer="flag"),
        answer(views[2], "taken back"),
        answer(views[3], "slip"),
    )
    store.answers.withdraw("taken back", "ann")
    store.queue.give_back([views[2].id], "ann")
    send(store, answer(views[3], "mended", place=1, replaces="slip"))
    clock.jump(7200)
    given = give(store, n=3, policy=ALWAYS_REPEAT)
    assert [view.kind for view in given] == ["retest", "regular", "regular"]
    assert given[0].comparison_id == views[3].comparison_id


def test_searches_begin_anywhere(file_store: Store) -> None:
    fill(file_store, 60)
    ask(file_store, wanted=1000)
    first = {give(file_store, f"labeler{i}", seed=i)[0].comparison_id for i in range(60)}
    assert len(first) > 20


def test_orders_are_uniform_and_the_same_for_everybody(file_store: Store) -> None:
    """24 orders over 24,000 views of two people."""
    store = file_store
    fill(store, 100)
    ask(store, wanted=10**6)
    rng = random.Random(20)
    counts: dict[str, Counter[tuple[int, ...]]] = {"ann": Counter(), "bob": Counter()}
    questions = {each.id: each.sample_ids for each in store.comparisons()}
    with store._database.writing() as connection:
        from prefloop.store.core.team_tables import assignments as table
        from prefloop.store.labeling.claims import Claim, claim_all

        for labeler, seen in counts.items():
            for _ in range(120):
                [given] = claim_all(connection, [Claim(labeler, 100, rng, WORK_ONLY)])
                assert isinstance(given, list)
                for view in given:
                    ids = questions[view.comparison_id]
                    seen[tuple(ids.index(sample.id) for sample in view.samples)] += 1
                connection.execute(table.delete())
    orders = list(itertools.permutations(range(4)))
    both = [[seen[order] for order in orders] for seen in counts.values()]
    assert sum(map(sum, both)) == 24_000
    assert chisquare([a + b for a, b in zip(*both, strict=True)]).pvalue > 0.001
    assert chi2_contingency(both).pvalue > 0.001


def test_an_order_that_favors_the_first_place_would_be_seen() -> None:
    """Wrong twin: half the views in the stored order."""
    rng = random.Random(20)
    orders = list(itertools.permutations(range(4)))
    drawn = Counter(rng.choice(orders) if rng.random() < 0.9 else orders[0] for _ in range(24_000))
    assert chisquare([drawn[order] for order in orders]).pvalue < 0.001


def test_the_choice_survives_every_order_on_screen(store: Store) -> None:
    """All 24 orders of four samples, the same sample chosen each time."""
    ask(store, wanted=10**6)
    best = known(0)
    orders = set()
    for i in itertools.count():
        view = next(v for v in give(store, f"labeler{i}", 3, seed=i) if v.comparison_id == "c0")
        order = tuple(sample.id for sample in view.samples)
        if order not in orders:
            orders.add(order)
            send(store, answer(view, place=order.index(best)))
        if len(orders) == 24:
            break
    assert [x.chosen for x in store.labels()] == [best] * 24
    assert {x.shown for x in store.labels()} == orders
    store.rebuild_labels()
    assert [x.chosen for x in store.labels()] == [best] * 24
