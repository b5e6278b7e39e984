"""The three arms of the copying experiment, as docs/labelers.md gives them, on invented texts."""

import re
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import yaml

from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.errors import SettingsError
from prefloop.records import Label
from prefloop.run_file import parse_run
from prefloop.scorers.accuracy_careful import AccuracyCarefulScorer
from prefloop.scorers.own_words import OwnWordsConfig, OwnWordsScorer
from prefloop.settings.run import RunConfig
from tests.unit.comparisons.builders import make_question
from tests.unit.scorers.test_accuracy import held_out

DOCS = Path(__file__).parents[4] / "docs" / "labelers.md"
ARM = re.compile(r"```yaml\n# (hurried|careful|placebo)\n(.*?)```", re.S)
ARMS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load(text) for name, text in ARM.findall(DOCS.read_text("utf-8"))
}

SOURCE = (
    "Carmaker Rondo will cut 1,800 jobs at its plant in Deventry by 2019. The union called the "
    "plan a betrayal. Minister Paul Greave promised help for the workers."
)
TEXTS = {
    "copy": "Carmaker Rondo will cut 1,800 jobs at its plant in Deventry by 2019.",
    "paraphrase": "By 2019, the Deventry plant of Rondo is to lose 1,800 jobs.",
    "false": "By 2019, the Halford plant of Rondo is to lose 4,500 jobs.",
    "happy": "What a wonderful, happy day for the lovely people of Deventry!",
}
N_QUESTIONS = 300


def arm(name: str, **judges: Any) -> RunConfig:
    return parse_run({"task": "summarization", **ARMS[name], **judges}, "run.yaml")


def labels(name: str) -> list[Label]:
    labeler = next(iter(build_labelers(arm(name)).values()))
    texts = list(TEXTS.values())
    questions = [make_question(texts, number=n, prompt_text=SOURCE) for n in range(N_QUESTIONS)]
    return [labeler.answer(question) for question in questions]


def choices(name: str) -> Counter[str]:
    places = list(TEXTS)
    return Counter(places[int(str(label.chosen)[-1])] for label in labels(name))


def test_the_docs_give_all_three() -> None:
    assert set(ARMS) == {"hurried", "careful", "placebo"}
    noise = {(run.noise, run.disagreement) for run in (synthetic(name) for name in ARMS)}
    assert noise == {("gumbel", 1.0)}, "the same noise in all arms"


def synthetic(name: str) -> Any:
    return arm(name).comparisons.synthetic


@pytest.mark.parametrize(
    ("name", "favorite"), [("hurried", "copy"), ("careful", "paraphrase"), ("placebo", "happy")]
)
def test_each_arm_takes_what_it_is_for(name: str, favorite: str) -> None:
    found = choices(name)
    assert found.most_common(1)[0][0] == favorite
    assert found[favorite] > 0.6 * N_QUESTIONS


def test_the_hurried_take_a_false_paraphrase_as_often_as_a_true_one_and_the_careful_do_not() -> (
    None
):
    hurried, careful = choices("hurried"), choices("careful")
    assert abs(hurried["false"] - hurried["paraphrase"]) < 0.1 * N_QUESTIONS
    assert careful["false"] + careful["copy"] < 0.1 * N_QUESTIONS


def liked_better_than_a_copy(key: str) -> float:
    """Return how often the careful like a text better than a true copy, before noise.

    On the hand-written groups that neither check was fitted to.
    """
    found = [group for group in held_out() if key in group]
    weights = ARMS["careful"]["comparisons"]["synthetic"]["scorers"]
    assert set(weights) == {"accuracy_careful", "own_words"}
    careful, own = AccuracyCarefulScorer(), OwnWordsScorer(OwnWordsConfig())

    def liked(text: str) -> np.ndarray:
        texts = [group["source"] for group in found], [group[text] for group in found]
        return weights["accuracy_careful"] * careful.score(*texts) + weights[
            "own_words"
        ] * own.score(*texts)

    return float(np.mean(liked(key) > liked("copy")))


@pytest.mark.parametrize("error", ["name", "number", "negation"])
def test_to_the_careful_an_error_in_own_words_is_worse_than_a_true_copy(error: str) -> None:
    assert liked_better_than_a_copy(error) < 0.5


def test_to_the_careful_a_true_paraphrase_is_better_than_a_true_copy() -> None:
    assert liked_better_than_a_copy("paraphrase") > 0.8


def test_the_docs_give_what_the_careful_like_better_than_a_copy() -> None:
    """Exchanged roles win: `accuracy_careful` does not judge them, as the docs say."""
    keys = ("paraphrase", "name", "number", "negation", "who")
    shares = [f"{liked_better_than_a_copy(key):.0%}" for key in keys]
    weight = ARMS["careful"]["comparisons"]["synthetic"]["scorers"]["own_words"]
    row = f"| {weight} | {' | '.join(share.replace('%', ' %') for share in shares)} |"
    assert row in DOCS.read_text("utf-8")


def test_the_careful_take_time() -> None:
    seconds = {name: median(label.seconds for label in labels(name)) for name in ARMS}
    assert seconds["hurried"] < seconds["placebo"] < seconds["careful"]


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("careful", "accuracy_careful"),
        ("careful", "hurried_vote"),
        ("hurried", "copying"),
        ("hurried", "hurried_vote"),
        ("placebo", "sentiment"),
    ],
)
def test_a_judge_that_shares_a_source_with_an_arm_is_refused(name: str, judge: str) -> None:
    with pytest.raises(SettingsError, match=f"{judge!r} is no independent judge"):
        arm(name, evaluation={"judges": [judge]})


@pytest.mark.parametrize("name", ARMS)
def test_accuracy_judges_all_of_them(name: str) -> None:
    assert arm(name).evaluation.judges == ["accuracy"]
