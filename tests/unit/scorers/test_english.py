"""Word lists of English say so where texts are in another language."""

import pytest

from prefloop.run_file import parse_run
from prefloop.scorers.english import english_problem, english_warnings

ENGLISH = "It was the best of times and he had not been there for all of it. " * 9
GERMAN = "Es war die beste aller Zeiten, und niemand wusste davon, was in ihr geschah. " * 9
CHINESE = "今天天气很好。我们去公园散步，然后回家吃饭。" * 9
RATED = frozenset({"rated words"})


@pytest.mark.parametrize(("text", "is_read"), [(ENGLISH, True), (GERMAN, True), (CHINESE, False)])
def test_figures_are_left_out_by_script_alone(text: str, is_read: bool) -> None:
    assert (english_problem(RATED, [text]) is None) is is_read
    assert english_problem(frozenset({"length"}), [text]) is None
    assert english_problem(RATED, []) is None


@pytest.mark.parametrize("text", [GERMAN, CHINESE])
def test_every_user_of_english_words_is_warned(text: str) -> None:
    labelers = {"synthetic": {"scorers": {"imagery": 1.0, "length": 1.0}}}
    run = {"comparisons": labelers, "evaluation": {"judges": ["lexicon", "copying"]}}
    told = english_warnings(parse_run(run, "run.yaml"), [text])
    assert [warning.split(" rates ")[0] for warning in told] == [
        "The labelers' scorer 'imagery'",
        "The judge 'lexicon'",
    ]
    assert "common English ones" in told[0]
    rewarded = {"policy": {"reward": "descriptiveness"}, "evaluation": {"judges": []}}
    told = english_warnings(parse_run(rewarded, "run.yaml"), [text])
    assert any(warning.startswith("The reward 'descriptiveness'") for warning in told)


def test_english_and_a_few_words_warn_of_nothing() -> None:
    run = parse_run({}, "run.yaml")
    assert english_warnings(run, [ENGLISH]) == []
    assert english_warnings(run, ["Drei Worte nur."]) == []
