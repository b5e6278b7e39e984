"""Requests and responses of the labeling API.

Responses hold what a labeler may see and nothing else: no field has a model, round, score, purpose
or kind of an open assignment.
"""

from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field

from prefloop.records import Answer
from prefloop.teamwork import Role, StopRequest
from prefloop.web.http.messages import Id, RequestBody, Seconds, Text

EARLIER_NAME = {"assignment_id": "view", "assignments": "views"}
"""What earlier versions called these fields. Pages that were open during an upgrade, and answers
kept in a browser, still send them."""


def _renamed(name: str) -> AliasChoices:
    return AliasChoices(name, EARLIER_NAME[name])


class InstructionsOut(BaseModel):
    """The instructions in force."""

    version: str
    question: str
    html: str
    is_major: bool


class GoldAgreementOut(BaseModel):
    """The caller's agreement with known answers, in tens so as not to reveal which they are."""

    right: int
    n: int
    message: str


class LabelingProgressOut(BaseModel):
    """The caller's progress."""

    answered: int
    left: int
    today_minutes: float
    gold: GoldAgreementOut


class PageSettingsOut(BaseModel):
    """What the page asks in addition to the answer."""

    strength: bool
    """Whether the best sample is slightly or clearly better."""
    reasons: list[str]
    """What `details.reasons` of an answer may have."""


class MeOut(BaseModel):
    """Everything the labeling page needs to begin."""

    name: str
    role: Role
    csrf: str | None
    instructions: InstructionsOut | None
    acknowledged: str | None
    must_read: bool
    progress: LabelingProgressOut
    settings: PageSettingsOut


class Acknowledgment(RequestBody):
    """The version of the instructions that was read."""

    version: Text = Field(min_length=1, max_length=100)


class ClaimRequest(RequestBody):
    """The number of assignments wanted."""

    n: int = Field(default=1, ge=1, le=4)


class AssignmentIds(RequestBody):
    """Some of the caller's assignments."""

    assignments: list[Id] = Field(
        min_length=1, max_length=16, validation_alias=_renamed("assignments")
    )


class SampleTextOut(BaseModel):
    """One of the texts to choose from."""

    id: str
    """Its position in the assignment, from "1" on; in another assignment it may differ."""
    text: str
    html: str | None = None
    """Present only where texts are rendered: inert HTML."""


class AssignmentOut(BaseModel):
    """An assignment, with its samples in the order in which they are to be shown."""

    assignment_id: str
    label_type: str
    """How it is answered: `pairs` and `best_of_k` choose the best sample, `ranking` orders them."""
    prompt: str
    prompt_html: str | None = None
    """Present only where texts are rendered: inert HTML."""
    samples: list[SampleTextOut]
    lease_seconds: float
    is_training: bool | None = None
    """Present, and true, only if the answer is explained afterwards."""


class AssignmentsOut(BaseModel):
    """Assignments to answer; none if nothing is left."""

    assignments: list[AssignmentOut]


class LeasedOut(BaseModel):
    """Ids of assignments that are leased to the caller."""

    assignments: list[str]


class AnswerBody(RequestBody):
    """An answer to an assignment."""

    assignment_id: Id = Field(validation_alias=_renamed("assignment_id"))
    answer: Answer
    chosen: Id | None = None
    """The sample's id; only with `best`."""
    details: dict[str, Any] = Field(default_factory=dict)
    """With `best`: `strength` (`slightly`, `clearly`), `reasons`, and what the label type adds, as
    the places of a `ranking`."""
    shown: list[Id] = Field(min_length=2, max_length=8)
    """The samples' ids in the order on screen."""
    seconds: Seconds
    """From showing the question to the answer."""
    active_seconds: Seconds | None = None
    first_key_seconds: Seconds | None = None
    device: Literal["desktop", "phone", "program", ""] = ""
    instructions: Text = Field(min_length=1, max_length=100)
    """The version that was in force when the question was shown."""
    note: Text = Field(default="", max_length=4000)
    """A remark; the reason of a skip or a flag."""
    confidence: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    """What pages of earlier versions asked; answers that wait in a browser still have it."""
    is_harmful: bool = False
    """With `flag`: nobody should see the question. It is held until an owner has looked at it."""
    replaces: Id | None = None
    """For an edit: the id of the answer that it replaces."""


class ExplanationOut(BaseModel):
    """The known answer to a training question."""

    is_right: bool | None
    known: str | None
    explanation: str
    html: str
    """The explanation as inert HTML: owners write Markdown."""


class ReceiptOut(BaseModel):
    """An answer that is on the disk."""

    outcome: Literal["stored", "same", "late"]
    message: str
    training: ExplanationOut | None = None


class OwnAnswerOut(BaseModel):
    """One of the caller's answers, with its texts."""

    id: str
    assignment_id: str
    label_type: str
    prompt: str
    prompt_html: str | None = None
    """Present only where texts are rendered: inert HTML."""
    samples: list[SampleTextOut]
    answer: Answer
    chosen: str | None
    details: dict[str, Any]
    note: str
    can_edit: bool


class OwnAnswersOut(BaseModel):
    """The caller's answers, newest first."""

    answers: list[OwnAnswerOut]


class NewStopRequest(RequestBody):
    """A request to stop the run."""

    reason: Text = Field(min_length=1, max_length=1000)
    assignment_id: Id | None = Field(default=None, validation_alias=_renamed("assignment_id"))
    """The assignment on the page, if it shows what is wrong."""


CordOutcome = Literal["stopping", "stopped", "yours"]


class StoppingOut(BaseModel):
    """The stop request that is active from now on."""

    id: str
    outcome: CordOutcome
    """`stopping`: the run stops after its current step. `stopped`: it had stopped already, and the
    reason is added. `yours`: the caller had stopped it, and nothing changes."""
    message: str


class StopStateOut(BaseModel):
    """Whether the run is stopped, or about to stop."""

    is_stopped: bool
    cords: list[StopRequest] | None = None
    """For owners and viewers: every stop request and its outcome."""
