"""What an owner decides stands beside the labels, and training reads it in their place."""

from dataclasses import replace
from typing import Any

import pytest

from prefloop.comparisons.targets import preference_targets
from prefloop.errors import ConflictError, StoreError
from prefloop.label_types.ranking.type import RANKING as RANKINGS
from prefloop.settings.rewards import StrengthConfig
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from tests.unit.store.asking_for_tests import VERSION, answer, ask, give, send
from tests.unit.store.records_for_tests import comparison, label, own_events
from tests.unit.store.sql_for_tests import change

PLAIN = StrengthConfig()


def verdict(
    chosen: str | None = "s1", replaces: str | None = None, **changes: str
) -> OwnersVerdict:
    said = {"comparison_id": "c0", "answer": "best", "reason": "It ends."} | changes
    return OwnersVerdict(chosen=chosen, replaces=replaces, **said)  # type: ignore[arg-type]


@pytest.fixture
def disputed(store: Store) -> Store:
    """A store with two answers to the first question that differ, and one to another."""
    ask(store, wanted=3)
    store.add_labels([label(0), label(1, labeler="bob"), label(2, question=1)])
    assert len({x.chosen for x in store.labels(split="validation")}) == 2
    return store


def test_training_reads_the_verdict_in_place_of_the_labels(disputed: Store) -> None:
    store = disputed
    before = store.ledger_head().n_events
    labels = store.labels()
    made = store.adjudications.decide(verdict(), "olga")
    assert store.labels() == labels, "nothing is overwritten"
    read = store.labels(for_training=True)
    assert [x.id for x in read] == ["l2", made.id]
    assert (read[1].labeler, read[1].chosen, read[1].instructions) == ("olga", "s1", VERSION)
    [comparison] = [c for c in store.comparisons() if c.id == "c0"]
    [target] = preference_targets([comparison], read, PLAIN)
    assert (target.n_labels, max(target.probabilities)) == (1, 1.0)
    assert target.probabilities[comparison.sample_ids.index("s1")] == 1.0
    # What a round was trained on before does not change.
    assert store.labels(for_training=True, as_of=before) == labels
    assert [x.id for x in store.labels(split="train", for_training=True)] == ["l2"]
    assert [x.id for x in store.labels(round=0, for_training=True)] == [made.id]
    store.adjudications.withdraw(made.id, "olga")
    store.adjudications.withdraw(made.id, "eve")
    assert store.labels(for_training=True) == labels
    assert store.labels(for_training=True, as_of=before + 1) == read
    assert [e.kind for e in own_events(store)][-2:] == ["adjudicated", "adjudication_ended"]
    store.verify_chain()


def test_skip_leaves_the_question_out_of_training(disputed: Store) -> None:
    disputed.adjudications.decide(verdict(None, answer="skip"), "olga")
    [comparison] = [c for c in disputed.comparisons() if c.id == "c0"]
    assert preference_targets([comparison], disputed.labels(for_training=True), PLAIN) == []


def test_the_second_owner_sees_what_the_first_said(disputed: Store) -> None:
    store = disputed
    first = store.adjudications.decide(verdict(), "olga")
    with pytest.raises(ConflictError, match=r"olga decided .*sample 3 is best: It ends\."):
        store.adjudications.decide(verdict("s2"), "otto")
    assert store.adjudications.in_force() == [first]
    # Who has seen it may change it; the first one finds that out in the same way.
    second = store.adjudications.decide(verdict("s2", first.id, reason="No."), "otto")
    with pytest.raises(ConflictError, match="otto decided"):
        store.adjudications.decide(verdict("s3", first.id), "olga")
    assert [x.chosen for x in store.labels(for_training=True)][-1] == "s2"
    assert store.adjudications.in_force() == [second]
    assert len([e for e in store.events() if e.kind == "adjudicated"]) == 2


def test_the_same_verdict_sent_twice_is_stored_once(disputed: Store) -> None:
    first = disputed.adjudications.decide(verdict(), "olga")
    assert disputed.adjudications.decide(verdict(), "olga") == first


def test_a_decided_question_is_asked_no_more_until_the_verdict_ends(disputed: Store) -> None:
    store = disputed
    made = store.adjudications.decide(verdict(), "olga")
    assert "c0" not in {v.comparison_id for v in give(store, "eve", n=9)}
    store.adjudications.withdraw(made.id, "olga")
    [view] = [v for v in give(store, "eve", n=9) if v.comparison_id == "c0"]
    made = store.adjudications.decide(verdict(), "olga")
    assert send(store, answer(view, "late")) == ["stored"], "nothing is lost"
    assert "late" not in [x.id for x in store.labels(for_training=True)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (verdict("s9"), "unknown sample s9"),
        (verdict(None), "names no chosen sample"),
        (verdict(answer="tie"), "names s1 as chosen"),
        (verdict(None, answer="flag"), "a flag is no verdict"),
        (verdict(comparison_id="c7"), "no question c7"),
    ],
)
def test_what_is_no_answer_to_the_question_is_refused(
    disputed: Store, wrong: OwnersVerdict, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        disputed.adjudications.decide(wrong, "olga")
    assert disputed.adjudications.in_force() == []


RANKING = [["s1"], ["s3", "s0"], ["s2"]]


@pytest.fixture
def ranked(store: Store) -> Store:
    """A store whose question asks for a ranking, and one label that ranks otherwise."""
    asked = replace(comparison(), id="cr", label_type="ranking")
    store.add_comparisons([asked])
    store.instructions.publish(VERSION, "Which is best?", "Read all of them.", False, "owner")
    store.queue.open_batch(0, [("cr", 2)])
    theirs = {"ranking": [["s0"], ["s1"], ["s2"], ["s3"]]}
    store.add_labels([replace(label(), comparison_id="cr", chosen="s0", details=theirs)])
    return store


def test_on_a_ranking_an_owner_gives_a_ranking(ranked: Store) -> None:
    said = replace(verdict(comparison_id="cr"), details={"ranking": RANKING})
    made = ranked.adjudications.decide(said, "olga")
    assert ranked.adjudications.decide(said, "olga") == made
    assert [each.details for each in ranked.adjudications.in_force()] == [{"ranking": RANKING}]
    [read] = ranked.labels(for_training=True)
    assert (read.labeler, read.chosen, read.details) == ("olga", "s1", {"ranking": RANKING})
    assert ("s3", "s2") in RANKINGS.preferred_pairs(read)
    ranked.verify_chain()


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({}, "asks for a ranking: give `details.ranking`"),
        ({"ranking": [["s1"], ["s0"], ["s2"]]}, "gives no place to s3"),
        ({"ranking": [["s1"], ["s0", "s0"], ["s2"], ["s3"]]}, "ranks sample s0 2 times"),
        ({"ranking": [["s1"], ["s9"], ["s0"], ["s2"], ["s3"]]}, "unknown sample s9"),
        ({"ranking": [["s0"], ["s1"], ["s2"], ["s3"]]}, "the first place is that of the chosen"),
    ],
)
def test_what_is_no_ranking_of_the_question_is_refused(
    ranked: Store, details: dict[str, Any], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        ranked.adjudications.decide(replace(verdict(comparison_id="cr"), details=details), "olga")
    assert ranked.adjudications.in_force() == []


def test_a_verdict_from_before_names_the_best_of_a_ranking_alone(ranked: Store) -> None:
    said = replace(verdict(comparison_id="cr"), details={"ranking": RANKING})
    ranked.adjudications.decide(said, "olga")
    change(ranked, "UPDATE adjudications SET details = NULL")
    [read] = ranked.labels(for_training=True)
    assert read.details["ranking"][0] == ["s1"]
    assert sorted(read.details["ranking"][1]) == ["s0", "s2", "s3"]
