import pytest

from prefloop.errors import StoreError
from prefloop.store.labeling.exclusions import INTRODUCTION
from prefloop.store.store import Store
from tests.unit.store.asking_for_tests import answer, ask, give, send
from tests.unit.store.records_for_tests import N_FILLED, label, own_events, tie


def test_an_excluded_labelers_answers_are_left_out_and_come_back(store: Store) -> None:
    of_ann, of_bob = label(0), label(1, labeler="bob")
    store.add_labels([of_ann, of_bob])
    rule = store.exclusions.apply("always the left", "bob", "98 of 100 are the left one", "ann")
    assert (rule.name, rule.labeler, rule.applied_by, rule.n_labels) == (
        "always the left",
        "bob",
        "ann",
        1,
    )
    assert store.exclusions.excluded() == {"bob"}
    assert store.labels() == [of_ann, of_bob]
    assert store.labels(for_training=True) == [of_ann]
    later = label(2, labeler="bob", question=1)
    store.add_label(later)
    assert store.labels(for_training=True) == [of_ann]
    assert store.exclusions.all()[0].n_labels == 2

    undone = store.exclusions.undo(rule.id, "eve")
    assert undone.undone_by == "eve"
    assert undone.undone_at is not None
    assert store.exclusions.excluded() == set()
    assert store.labels(for_training=True) == [of_ann, of_bob, later]
    assert store.exclusions.all() == [undone]
    kinds = [event.kind for event in own_events(store)]
    assert kinds == ["label", "label", "rule_applied", "label", "rule_undone"]


def test_questions_that_an_excluded_labeler_answered_are_asked_of_others(store: Store) -> None:
    ask(store)
    [view] = give(store, "bob")
    send(store, answer(view))
    assert not _is_asked(store, view.comparison_id)
    rule = store.exclusions.apply("always the left", "bob", "98 of 100 are the left one", "ann")
    assert _is_asked(store, view.comparison_id)
    assert store.queue.batches()[0].answered == 0
    [other] = give(store, "bob")
    send(store, answer(other))
    assert _is_asked(store, other.comparison_id), "nor does a later answer fill one"
    store.exclusions.undo(rule.id, "ann")
    assert not _is_asked(store, view.comparison_id)
    assert store.queue.batches()[0].answered == 2


def test_a_rule_does_not_open_what_is_frozen(store: Store) -> None:
    ask(store)
    [view] = give(store, "bob")
    send(store, answer(view))
    store.queue.freeze(0)
    store.exclusions.apply("always the left", "bob", "98 of 100 are the left one", "ann")
    assert give(store, "eve", n=9) == []
    assert store.queue.batches()[0].answered == 1, "its reward model learned from that one"


def test_what_an_excluded_labeler_holds_is_not_kept_from_others(store: Store) -> None:
    every = set(ask(store))
    store.people.add("bob", "labeler")
    store.people.add("eve", "labeler")
    assert {view.comparison_id for view in give(store, "bob", 9)} == every
    assert give(store, "eve", 9) == []
    store.exclusions.apply("always the left", "bob", "98 of 100 are the left one", "ann")
    assert {view.comparison_id for view in give(store, "eve", 9)} == every


def _is_asked(store: Store, comparison_id: str) -> bool:
    views = give(store, "eve", n=9)
    store.queue.give_back([view.id for view in views], "eve")
    return comparison_id in {view.comparison_id for view in views}


def test_a_labeler_is_out_while_any_rule_says_so(store: Store) -> None:
    store.people.add("bob", "labeler")
    first = store.exclusions.apply("too fast", "bob", "one second each", "ann")
    second = store.exclusions.apply("gold", "bob", "2 of 20", "ann")
    assert store.exclusions.apply("gold", "bob", "3 of 21", "eve") == second
    store.exclusions.undo(first.id, "ann")
    assert store.exclusions.excluded() == {"bob"}
    store.exclusions.undo(second.id, "ann")
    assert store.exclusions.undo(second.id, "eve").undone_by == "ann"
    assert store.exclusions.excluded() == set()
    third = store.exclusions.apply("gold", "bob", "again", "ann")
    assert [rule.id for rule in store.exclusions.all()] == [first.id, second.id, third.id]
    assert store.exclusions.excluded() == {"bob"}


@pytest.mark.parametrize(
    ("name", "labeler", "reason", "told"),
    [
        ("gold", "bobb", "2 of 20", "no labeler called 'bobb'"),
        (" ", "bob", "2 of 20", "a name and a reason"),
        ("gold", "bob", "", "a name and a reason"),
    ],
)
def test_an_exclusion_without_a_ground_is_refused(
    store: Store, name: str, labeler: str, reason: str, told: str
) -> None:
    store.add_label(label(0, labeler="bob"))
    with pytest.raises(StoreError, match=told):
        store.exclusions.apply(name, labeler, reason, "ann")
    assert store.exclusions.all() == []


def test_an_unknown_rule_cannot_be_undone(store: Store) -> None:
    with pytest.raises(StoreError, match="no exclusion with the id r-9"):
        store.exclusions.undo("r-9", "ann")


def test_labels_as_of_an_event_stay_the_same_for_ever(store: Store) -> None:
    """Every moment is asked again after all that came later: no answer to it changes."""
    seen: list[tuple[list[str], list[str]]] = []

    def look(as_of: int | None = None) -> tuple[list[str], list[str]]:
        every = store.labels(as_of=as_of)
        counted = store.labels(as_of=as_of, for_training=True)
        return [x.id for x in every], [x.id for x in counted]

    def look_again() -> None:
        while len(seen) <= len(store.events()):
            seen.append(look())

    look_again()
    store.add_label(label(0))
    look_again()
    store.add_label(label(1, labeler="bob"))
    look_again()
    store.add_label(label(2, labeler="bob", question=1))
    look_again()
    rule = store.exclusions.apply("gold", "bob", "2 of 20", "ann")
    look_again()
    store.add_label(tie(3))
    look_again()
    assert store.withdraw_label("l1") is not None
    look_again()
    store.exclusions.undo(rule.id, "ann")
    look_again()
    store.add_label(label(4, question=2))
    look_again()
    store.exclusions.apply("gold", "ann", "1 of 20", "eve")
    look_again()
    assert [look(as_of) for as_of in range(len(seen))] == seen
    assert seen[N_FILLED + 3] == (["l0", "l1", "l2"], ["l0", "l1", "l2"])
    assert seen[N_FILLED + 4] == (["l0", "l1", "l2"], ["l0"])
    assert seen[N_FILLED + 6] == (["l2", "l3"], ["l3"])
    assert seen[N_FILLED + 7] == (["l2", "l3"], ["l2", "l3"])
    assert seen[N_FILLED + 9] == (["l2", "l3", "l4"], ["l2"])
    assert [x.id for x in store.labels(round=1, as_of=N_FILLED + 3)] == ["l2"]
    end = N_FILLED + 9
    assert [x.id for x in store.labels(split="train", as_of=end, for_training=True)] == ["l2"]


def test_a_failed_introduction_leaves_answers_out_until_it_is_passed(store: Store) -> None:
    """Those of before and of afterwards; what a frozen round was trained on stays."""
    ann = store.people.add("ann", "labeler")
    store.people.add("bob", "labeler")
    ask(store, wanted=1)
    views = give(store, n=3)
    send(store, answer(views[0]))
    before = store.events()[-1].sequence
    store.exclusions.qualify(ann.id, has_passed=False, reason="1 of 4 answers were right.")
    store.exclusions.qualify(ann.id, has_passed=False)
    send(store, answer(views[1]))
    assert (len(store.labels()), store.labels(for_training=True)) == (2, [])
    assert len(store.labels(for_training=True, as_of=before)) == 1
    # Others are asked what is missing now.
    assert {v.comparison_id for v in give(store, "bob", n=9)} >= {
        views[0].comparison_id,
        views[1].comparison_id,
    }
    [exclusion] = store.exclusions.all()
    assert (exclusion.name, exclusion.reason) == (INTRODUCTION, "1 of 4 answers were right.")
    with pytest.raises(StoreError, match="Let them through"):
        store.exclusions.undo(exclusion.id, "owner")
    with pytest.raises(StoreError, match="Choose another"):
        store.exclusions.apply(INTRODUCTION, "ann", "again", "owner")
    store.exclusions.qualify(ann.id, has_passed=True, by="owner")
    assert len(store.labels(for_training=True)) == 2
    assert store.exclusions.all()[0].undone_by == "owner"
    store.exclusions.qualify(ann.id, has_passed=True, by="owner")
    assert len(store.exclusions.all()) == 1
