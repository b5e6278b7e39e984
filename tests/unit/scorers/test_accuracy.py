"""The checks of accuracy: on hand-written texts, against their log, and beside each other."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from prefloop.scorers import accuracy, accuracy_careful
from prefloop.scorers.accuracy import AccuracyScorer
from prefloop.scorers.accuracy_careful import AccuracyCarefulScorer
from prefloop.scorers.claims.fitted import read_check
from prefloop.scorers.own_words import OwnWordsConfig, OwnWordsScorer
from prefloop.scorers.scorer import Scorer
from prefloop.text.words import sentences
from tests.tolerances import FP64

GROUPS = json.loads((Path(__file__).parent / "claims" / "handwritten.json").read_text("utf-8"))
LOG = json.loads(
    (Path(__file__).parents[3] / "scorer_training" / "accuracy_log.json").read_text("utf-8")
)
KINDS = {"name": "name", "number": "number", "negation": "negation", "who": "who did what"}
JUDGED, WRITTEN = "judged articles", "hand-written, not fitted"
REACHED = 0.8


def held_out() -> list[dict[str, str]]:
    """Return the hand-written groups that trained neither check: of four of six sources."""
    sources = list(dict.fromkeys(group["source"] for group in GROUPS))
    return [group for group in GROUPS if sources.index(group["source"]) % 6 not in (0, 2)]


def scores(scorer: Scorer, key: str) -> np.ndarray:
    """Return the scores of one kind of text of the held-out groups."""
    found = [group for group in held_out() if key in group]
    return scorer.score([g["source"] for g in found], [g[key] for g in found])


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_kind_of_planted_error_is_found_on_articles_of_its_own(kind: str) -> None:
    """The goal: an AUC of 0.8 on each kind, on articles that did not train."""
    found = LOG["accuracy"][JUDGED][kind]
    assert found["all"]["value"] >= REACHED and found["all"]["low"] >= REACHED
    assert found["paraphrases"]["value"] >= REACHED


def test_a_copy_scores_no_better_than_a_true_paraphrase() -> None:
    assert LOG["accuracy"][JUDGED]["true copy minus true paraphrase"]["value"] <= 0
    scorer = AccuracyScorer()
    found = LOG["accuracy"][WRITTEN]["true copy minus true paraphrase"]
    gain = scores(scorer, "copy").mean() - scores(scorer, "paraphrase").mean()
    assert round(float(gain), 3) == found["value"]
    assert found["low"] < 0 < found["high"], "nothing is known of free paraphrases but this"


def test_a_summary_that_says_nothing_loses_to_every_true_one() -> None:
    for scorer in (AccuracyScorer(), AccuracyCarefulScorer()):
        found = [group for group in held_out() if "copy" in group]
        sources = [group["source"] for group in found]
        nothing = scorer.score(sources, ["It is what it is."] * len(found))
        assert (scorer.score(sources, [group["copy"] for group in found]) > nothing).all()


@pytest.mark.parametrize("key", KINDS)
def test_the_shipped_scorer_gives_the_figures_of_its_log(key: str) -> None:
    scorer = AccuracyScorer()
    true = np.concatenate([scores(scorer, form) for form in ("copy", "paraphrase")])
    wrong = scores(scorer, key)
    labels = np.repeat([1, 0], [len(true), len(wrong)])
    auc = roc_auc_score(labels, np.concatenate([true, wrong]))
    assert round(auc, 3) == LOG["accuracy"][WRITTEN][KINDS[key]]["all"]["value"]


@pytest.mark.parametrize("module", [accuracy, accuracy_careful], ids=lambda m: m.__name__)
def test_the_shipped_weights_are_those_of_the_log_and_punish(module: Any) -> None:
    name = module.WEIGHTS.stem
    content = json.loads(module.WEIGHTS.read_text("utf-8"))
    assert content == {key: LOG[name][key] for key in content}
    assert all(weight < 0 for weight in content["weights"].values())
    assert content["copied"] > 0


FOUR = (
    "Anna Brandt won 12 seats in Lisk. Tom Oberg lost his seat in Norwell. The council meets again "
    "in March. Two libraries stay open."
)


@pytest.mark.parametrize("module", [accuracy, accuracy_careful], ids=lambda m: m.__name__)
def test_one_copied_sentence_scores_as_much_as_two_and_four(module: Any) -> None:
    """By hand: a copy has no feature, so each sentence has the intercept less `copied`."""
    scorer = AccuracyScorer() if module is accuracy else AccuracyCarefulScorer()
    weights = json.loads(module.WEIGHTS.read_text("utf-8"))
    parts = sentences(FOUR)
    texts = [" ".join(parts[:n]) for n in (1, 2, 4)]
    found = scorer.score([FOUR] * 3, texts)
    np.testing.assert_allclose(found, [weights["intercept"] - weights["copied"]] * 3, **FP64)


def test_a_false_sentence_costs_its_share_of_a_summary() -> None:
    """By hand: of two sentences one is a copy, the other names a number that is nowhere.

    7 words, the fourth is new: 4 of 6 pairs and 2 of 5 triples are copied.
    """
    weights = json.loads(accuracy.WEIGHTS.read_text("utf-8"))
    false = "Anna Brandt won 14 seats in Lisk."
    text = f"{false} Two libraries stay open."
    copied = (4 / 6 + 2 / 5) / 2
    one = weights["intercept"] + weights["weights"]["absent_numbers"] - weights["copied"] * copied
    other = weights["intercept"] - weights["copied"]
    found = AccuracyScorer().score([FOUR] * 2, [false, text])
    np.testing.assert_allclose(found, [one, (one + other) / 2], **FP64)


REPEATED = [
    "Brandt Brandt Brandt Brandt Brandt.",
    "Lisk, Lisk and Lisk.",
    "Seats seats seat seats.",
    "12 12 12 12.",
    "It is Oberg, and it was Oberg.",
    "March.",
]


@pytest.mark.parametrize("scorer", [AccuracyScorer(), AccuracyCarefulScorer()])
@pytest.mark.parametrize("text", REPEATED)
def test_one_word_again_and_again_loses_to_true_sentences(scorer: Scorer, text: str) -> None:
    true = sentences(FOUR)
    word, *others = scorer.score([FOUR] * 5, [text, *true])
    assert word < min(others)


@pytest.mark.parametrize("scorer", [AccuracyScorer(), AccuracyCarefulScorer()])
def test_an_empty_response_is_worse_than_a_true_one(scorer: Scorer) -> None:
    source = "Anna Brandt won 12 seats in Lisk."
    empty, true = scorer.score([source] * 2, ["", "Anna Brandt won in Lisk."])
    assert empty < true
    alone, without = scorer.score(["", "..."], ["Anna won.", "Anna won."])
    assert np.isfinite([alone, without]).all()


def test_the_two_checks_agree_on_errors_and_hardly_on_what_is_true() -> None:
    found = LOG["correlation of the two checks"]
    assert found["all claims"] > 0.5 > found["true claims"]


def test_weights_for_other_features_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    path.write_text(json.dumps({"weights": {"old": -1.0}, "intercept": 0.0, "copied": 0.0}))
    with pytest.raises(ValueError, match="has weights for old, and the features are new"):
        read_check(path, ("new",))


def test_own_words_count_up_to_a_bound() -> None:
    source = "the old ship lay in the harbor"
    scorer = OwnWordsScorer(OwnWordsConfig(bound=0.5))
    # 0, 1 and 2 of 3 pairs are new, and all of them; one word has no pair.
    texts = ["the old ship lay", "the old ship sank", "the old boat sank", "we saw a boat", "ship"]
    found = scorer.score([source] * 5, texts)
    np.testing.assert_allclose(found, [0.0, 3 * (1 / 3) / 0.5, 3.0, 3.0, 0.0], **FP64)


@pytest.mark.parametrize("name", ["accuracy", "accuracy_careful"])
def test_the_docs_repeat_the_figures_of_the_log(name: str) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "labelers.md").read_text("utf-8")
    for where in (JUDGED, WRITTEN):
        for kind in KINDS.values():
            found = LOG[name][where][kind]["all"]
            assert f"{found['value']:.2f} ({found['low']:.2f}-{found['high']:.2f}, n" in docs
