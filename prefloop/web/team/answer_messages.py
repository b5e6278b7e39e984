"""Requests and responses about labelers' answers, for owners."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from prefloop.records import Answer
from prefloop.store.labeling.answer_log import AnswerView
from prefloop.web.http.messages import Id, RequestBody, Text

WhoseAnswers = Annotated[str | None, Query(max_length=200)]
"""Only of this labeler."""
OfVersion = Annotated[str | None, Query(max_length=100)]
"""Only under this version of the instructions."""


class NewAdjudication(RequestBody):
    """An owner's verdict on a question."""

    comparison: Id
    answer: Literal["best", "tie", "all_bad", "skip"]
    """`skip` leaves the question out of training."""
    chosen: Id | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    """With `best` on a question that asks for a ranking: `ranking`, sample ids by place."""
    reason: Text = Field(default="", max_length=4000)
    replaces: Id | None = None
    """The verdict that the owner saw; null: they saw none."""


class AdjudicationOut(BaseModel):
    """An owner's verdict, in place of which training reads no label of its question."""

    id: str
    answer: Answer
    chosen: str | None
    details: dict[str, Any]
    reason: str
    version: str
    decided_by: str
    decided_at: float


class HoldOut(BaseModel):
    """Why a question is handed to nobody."""

    held_by: str
    reason: str
    held_at: float


class LabelerAnswerOut(BaseModel):
    """One answer of a labeler."""

    id: str
    labeler: str
    kind: str
    """`regular`, or how it measured the labeler: `gold`, `training`, `retest`."""
    answer: Answer
    chosen: str | None
    details: dict[str, Any]
    """What it says besides: strength, reasons, a ranking, whether copies were marked."""
    shown: list[str]
    """Ids of the samples in the order on screen."""
    seconds: float | None
    version: str
    note: str
    """What the labeler wrote: the reason of a skip or a flag, and the note."""
    is_right: bool | None
    given_at: float
    fits: bool
    """Whether the filter asks for it; the others answer the same question."""


class AnsweredSampleOut(BaseModel):
    """One of the texts of a question."""

    id: str
    text: str


class AnsweredQuestionOut(BaseModel):
    """A question with all its live answers."""

    comparison: str
    number: int
    label_type: str
    """How it is answered; on a `ranking` an owner's verdict is a ranking."""
    round: int
    is_for_verdicts: bool
    """Whether its answers are verdicts of independent people, on which no owner decides."""
    is_closed: bool
    """Whether its batch is closed: as work it is given to nobody any more."""
    prompt: str
    samples: list[AnsweredSampleOut]
    votes: list[int]
    """How many of the answers below choose each sample."""
    answers: list[LabelerAnswerOut]
    known: str | None
    """The known answer, if it is gold."""
    hold: HoldOut | None
    adjudication: AdjudicationOut | None


class AnswersOut(BaseModel):
    """Questions with their answers, newest first."""

    view: AnswerView
    questions: list[AnsweredQuestionOut]
    before: int | None
    """Ask for those before this number next; null: these are the last."""
