"""What travels between page or program and server: strict, closed, and with limits.

Answers hold what a person may see and nothing else: no model, round, score, purpose or kind of an
open question has a field here.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prefloop.records import Answer
from prefloop.teamwork import Role
from prefloop.web.http.errors import ErrorBody


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("text may not hold the character NUL")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
Id = Annotated[str, Field(pattern=r"^[\w.:/-]{1,200}$")]
"""The name of a view, sample or answer."""
Number = Annotated[int, Field(ge=0, lt=2**31)]
"""A whole number that every column for numbers can hold: PostgreSQL has 32 bits for it."""
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Message(BaseModel):
    """What a request may hold: these fields with these types, no other."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class Login(Message):
    """A code, or a name and a password."""

    code: Text | None = Field(default=None, max_length=200)
    name: Text | None = Field(default=None, max_length=200)
    password: Text | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = (self.code is not None, self.name is not None, self.password is not None)
        if given not in ((True, False, False), (False, True, True)):
            raise ValueError("give either a code, or a name and a password")
        return self


class Known(BaseModel):
    """Who is logged in."""

    name: str
    role: Role


class Entered(BaseModel):
    """The answer to a login. The cookie comes in a header."""

    person: Known
    csrf: str


class Guidance(BaseModel):
    """The instructions in force."""

    version: str
    question: str
    html: str
    is_major: bool


class GoldSoFar(BaseModel):
    """Own agreement with known answers, told in steps of ten so that no question gives it away."""

    right: int
    n: int
    told: str


class Progress(BaseModel):
    """How far one has come."""

    answered: int
    left: int
    today_minutes: float
    gold: GoldSoFar


class PageSettings(BaseModel):
    """What the page asks beside the answer."""

    confidence: bool


class Me(BaseModel):
    """Everything the labeling page needs to begin."""

    name: str
    role: Role
    csrf: str | None
    instructions: Guidance | None
    acknowledged: str | None
    must_read: bool
    progress: Progress
    settings: PageSettings


class Acknowledgment(Message):
    """The version of the instructions that was read."""

    version: Text = Field(min_length=1, max_length=100)


class ClaimRequest(Message):
    """How many questions are wanted at once."""

    n: int = Field(default=1, ge=1, le=4)


class ViewIds(Message):
    """Some of one's own views."""

    views: list[Id] = Field(min_length=1, max_length=16)


class SampleText(BaseModel):
    """One of the texts to choose from."""

    id: str
    """Its place in the view, from "1" on. The same text has another one in another view."""
    text: str


class Question(BaseModel):
    """A question, its samples in the order in which they are to be shown."""

    view: str
    prompt: str
    samples: list[SampleText]
    lease_seconds: float
    is_training: bool | None = None
    """Only there, and true, if the answer is explained afterwards."""


class Questions(BaseModel):
    """Questions to answer; none if nothing is left."""

    views: list[Question]


class Leased(BaseModel):
    """Views that are leased to the caller."""

    views: list[str]


class AnswerBody(Message):
    """An answer to a view."""

    view: Id
    answer: Answer
    chosen: Id | None = None
    """The sample's id; only with `best`."""
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
    replaces: Id | None = None
    """For an edit: the id of the answer that it takes the place of."""


class Explanation(BaseModel):
    """What a training question teaches."""

    is_right: bool | None
    known: str | None
    explanation: str


class Saved(BaseModel):
    """An answer that is on the disk."""

    outcome: Literal["stored", "same", "late"]
    told: str
    training: Explanation | None = None


class OwnAnswer(BaseModel):
    """One of one's own answers, with the texts it is about."""

    id: str
    view: str
    prompt: str
    samples: list[SampleText]
    answer: Answer
    chosen: str | None
    note: str
    confidence: float | None
    can_edit: bool


class OwnAnswers(BaseModel):
    """One's own answers, newest first."""

    answers: list[OwnAnswer]


class Pull(Message):
    """Why the line must stop."""

    reason: Text = Field(min_length=1, max_length=1000)
    view: Id | None = None
    """The view on the page, if what is wrong can be seen there."""


class Told(BaseModel):
    """That it was done, in words."""

    told: str


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the refusals that a route may answer with."""
    return {status: {"model": ErrorBody, "description": REFUSALS[status]} for status in statuses}


REFUSALS = {
    400: "The request cannot be read.",
    401: "Not logged in, or the session has ended, or the token is not valid.",
    403: "Not allowed, or the request did not come from our own page.",
    404: "There is no such thing, or it is somebody else's.",
    409: "It contradicts what is stored.",
    413: "The request is too long.",
    415: "The body is not JSON.",
    422: "A field is missing, unknown or not as it should be.",
    429: "Too often; `Retry-After` says when again.",
    500: "A bug of the server; the log has it under the number that is told.",
    503: "The database cannot be reached; `Retry-After` says when to try again.",
    507: "The disk is full or cannot be written. Nothing that was saved is lost.",
}

ALWAYS: Sequence[int] = (400, 413, 415, 422, 500, 503, 507)
"""What any route may answer with."""
