"""Questions that are drawn together: a check stands at any place among them as often as asked."""

import random
from collections import Counter

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
