"""Who judged, where the judge is people, and when they were asked no more."""

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD
from prefloop.figures.text import count, counted, share_with_interval


class JudgingFigures(BaseModel):
    """Who gave verdicts, where the judge is people, and when they were asked no more."""

    model_config = RECORD

    people: int
    """How many people answered."""
    also_labeled: int
    """How many of them gave labels for training too."""
    questions: int
    """Questions that were to be asked at most."""
    answers_each: int
    """People who were to answer each question; of three the majority decides."""
    answers: int
    """Answers that the figures rest on."""
    agreement: EstimateFigure | None
    """Share of pairs of answers to one question that agree; null if nobody answered the same."""
    looks: int
    """How often the result was looked at."""
    looks_planned: int
    is_clear: bool
    """Whether one half lies outside the interval of enough people; if so, no more was asked."""


def judging_text(judging: JudgingFigures) -> str:
    """Return in sentences who judged, how much, and whether they labeled for training too.

    >>> clear = JudgingFigures(people=4, also_labeled=0, questions=256, answers_each=1,
    ...                        answers=128, agreement=None, looks=2, looks_planned=4, is_clear=True)
    >>> judging_text(clear)[:66]
    '4 people gave 128 answers, one to each question, of 256 questions '
    >>> judging_text(clear)[-34:]
    'None of them labeled for training.'
    """
    each = "one" if judging.answers_each == 1 else f"up to {judging.answers_each}"
    wanted = judging.questions * judging.answers_each
    end = "did not end early"
    if judging.answers < wanted:
        of = f"{count(judging.answers)} of {counted(wanted, 'answer')}"
        end = f"was not clear when the questions were closed, with {of}"
    people = "1 person" if judging.people == 1 else f"{count(judging.people)} people"
    text = (
        f"{people} gave {counted(judging.answers, 'answer')}, {each} to each question, of "
        f"{counted(judging.questions, 'question')} at most. "
    )
    text += (
        f"The result was clear at look {judging.looks} of {judging.looks_planned}, and no more was "
        "asked. "
        if judging.is_clear
        else f"It was looked at {counted(judging.looks, 'time')} and {end}. "
    )
    if judging.agreement is not None:
        text += f"Two answers to one question agree in {share_with_interval(judging.agreement)}. "
    labeled = "None" if judging.also_labeled == 0 else count(judging.also_labeled)
    return f"{text}{labeled} of them labeled for training."
