"""Scores are kept by sample, scorer and fingerprint."""

import math
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.progress import Silent
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import back_up, restore
from tests.unit.store.records_for_tests import sample

EVERY = [f"s{i}" for i in range(12)]


def test_scores_come_back_for_their_scorer_and_fingerprint_only(store: Store) -> None:
    assert store.scores.known("lexicon", "f1", EVERY) == {}
    assert store.scores.add("lexicon", "f1", {"s1": 0.1, "s0": -2.5}) == 2
    assert store.scores.known("lexicon", "f1", EVERY) == {"s0": -2.5, "s1": 0.1}
    assert store.scores.known("lexicon", "f1", ["s1", "s1", "s99"]) == {"s1": 0.1}
    assert store.scores.known("lexicon", "f2", EVERY) == {}
    assert store.scores.known("length", "f1", EVERY) == {}


def test_adding_again_stores_only_what_is_missing(store: Store) -> None:
    store.scores.add("lexicon", "f1", {"s0": 1.0})
    assert store.scores.add("lexicon", "f1", {"s0": 7.0, "s1": 2.0}) == 1
    assert store.scores.known("lexicon", "f1", EVERY) == {"s0": 1.0, "s1": 2.0}
    assert store.scores.add("lexicon", "f1", {}) == 0


def test_more_samples_than_one_query_takes(store: Store) -> None:
    store.add_samples([sample(i) for i in range(12, 1300)])
    every = {f"s{i}": float(i) for i in range(1300)}
    assert store.scores.add("length", "f1", every) == 1300
    assert store.scores.known("length", "f1", every) == every


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_nothing_is_stored(store: Store, score: float) -> None:
    with pytest.raises(StoreError, match=f"the score of sample s1 is {score}; give"):
        store.scores.add("lexicon", "f1", {"s0": 1.0, "s1": score})
    assert store.scores.known("lexicon", "f1", EVERY) == {}


def test_an_unknown_sample_is_refused_by_name(store: Store) -> None:
    with pytest.raises(StoreError, match="unknown sample s99"):
        store.scores.add("lexicon", "f1", {"s0": 1.0, "s99": 1.0})
    assert store.scores.known("lexicon", "f1", EVERY) == {}


def test_a_backup_holds_them(store: Store, place: str | Path, tmp_path: Path) -> None:
    store.scores.add("lexicon", "f1", {"s0": 1.0, "s1": 0.1})
    back_up(place, tmp_path / "backup.db", Silent())
    restore(tmp_path / "backup.db", tmp_path / "again.db", Silent())
    with Store.open(tmp_path / "again.db") as again:
        assert again.scores.known("lexicon", "f1", EVERY) == {"s0": 1.0, "s1": 0.1}
