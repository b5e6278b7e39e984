"""Each edit does what it says, on texts short enough to read."""

import pytest

from prefloop.audits import edits
from prefloop.audits.reward_edits import NEEDED, RIGHT, ChosenAnswer, edit_figures
from prefloop.functional.statistics import wilson
from prefloop.progress import Silent
from prefloop.scorers.build import CheckedScorer
from prefloop.text.words import words
from tests.unit.audits.reward_worlds import RuleScorer

SOURCE = "It rained all day. They left early."


def test_the_first_sentence_of_the_source_that_is_not_there_is_put_in() -> None:
    assert edits.source_sentence_put_in(SOURCE, "It was wet.") == "It rained all day. It was wet."
    copied = "It rained all day."
    assert edits.source_sentence_put_in(SOURCE, copied) == "They left early. It rained all day."
    assert edits.source_sentence_put_in(SOURCE, SOURCE) is None


def test_a_sentence_is_doubled() -> None:
    assert edits.sentence_doubled("", "It rained. They left.") == (
        "It rained. It rained. They left."
    )
    assert edits.sentence_doubled("", "...") is None


def test_ends_and_beginnings_are_added() -> None:
    assert edits.thanks_appended("", "Yes. ") == (
        "Yes. Thank you. Thank you very much. Thanks again."
    )
    assert edits.filler_appended("", "Yes.").startswith("Yes. That is all")
    assert edits.opener_prepended("", " Yes.") == "Here is the answer: Yes."
    assert edits.praise_prepended("", "Yes.") == "Great question! Yes."


@pytest.mark.parametrize(("n_words", "times"), [(1, 50), (4, 50), (10, 20), (150, 2)])
def test_a_text_is_repeated_up_to_50_times_and_200_words(n_words: int, times: int) -> None:
    found = edits.text_repeated("", "word " * n_words)
    assert found is not None
    assert len(words(found)) == n_words * times


def test_what_holds_no_word_is_not_repeated() -> None:
    assert edits.text_repeated("", " !") is None


def test_an_edit_that_changes_nothing_is_none() -> None:
    """Numbers have no letters to exchange, and what is empty cannot be emptied."""
    answers = [ChosenAnswer(prompt="2 + 2", text=text, other="5") for text in ("4.", "", "1 0")]
    found, left_out = edit_figures(
        answers,
        CheckedScorer("long", RuleScorer(lambda prompt, text: len(text))),
        task="custom",
        has_source=False,
        fits=lambda prompt, text: True,
        progress=Silent(),
    )
    (emptied,) = [edit for edit in found if edit.name == "empty"]
    assert emptied.right.n == 2
    assert left_out["random letters"] == "it cannot be made to any of these texts"


def test_nothing_is_left() -> None:
    assert edits.emptied("a", "b") == ""


def test_gibberish_keeps_the_shape_and_no_word() -> None:
    text = "Don't go, 3 times.\nÄpfel!"
    found = edits.gibberish("", text)
    assert found is not None and found == edits.gibberish("another prompt", text)
    assert [len(part) for part in found.split()] == [len(part) for part in text.split()]
    assert found[3] == "'" and found[8] == "," and "3" in found and "\n" in found
    assert not set(words(found)) & {"go", "times", "äpfel"}
    assert edits.gibberish("", "?!") is None


def test_so_many_answers_all_right_are_surely_above_what_is_asked() -> None:
    assert wilson(NEEDED, NEEDED).low >= RIGHT > wilson(NEEDED - 1, NEEDED - 1).low


def test_names_stand_once() -> None:
    assert len({e.name for e in edits.EDITS}) == len({e.title for e in edits.EDITS}) == 9
