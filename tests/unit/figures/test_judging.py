"""What is said of people who judged: how many, how many answers to each question, which look."""

import pytest

from prefloop.figures.judging import JudgingFigures, judging_text


def judged(**changes: int | bool) -> str:
    figures = JudgingFigures(
        people=4,
        also_labeled=1,
        questions=256,
        answers_each=1,
        answers=384,
        agreement=None,
        looks=1,
        looks_planned=1,
        is_clear=False,
    )
    return judging_text(figures.model_copy(update=changes))


@pytest.mark.parametrize(("answers_each", "words"), [(1, "one"), (3, "up to 3")])
def test_a_question_that_ended_early_need_not_have_all_its_answers(
    answers_each: int, words: str
) -> None:
    found = judged(answers_each=answers_each)
    assert f"4 people gave 384 answers, {words} to each question, of 256 questions" in found


@pytest.mark.parametrize(
    ("looks", "is_clear", "words"),
    [
        (1, False, "It was looked at 1 time and did not end early."),
        (2, True, "The result was clear at look 2 of 4, and no more was asked."),
    ],
)
def test_it_is_said_at_which_look_it_ended(looks: int, is_clear: bool, words: str) -> None:
    assert words in judged(looks=looks, looks_planned=4, is_clear=is_clear)


def test_questions_that_were_closed_early_are_not_called_answered() -> None:
    found = judged(answers=60, questions=256, looks=2, looks_planned=4)
    assert "was not clear when the questions were closed, with 60 of 256 answers." in found
    assert "did not end early" in judged(answers=256, questions=256)
