"""What travels between the owner's pages, or an owner's program, and the server."""

from typing import Literal

from pydantic import BaseModel, Field

from prefloop.teamwork import Exclusion, Role, StopAction
from prefloop.web.labeling.messages import Id, Message, Number, Text


class NewPerson(Message):
    """Somebody who may log in from now on."""

    name: Text = Field(min_length=1, max_length=64)
    """What their labels are signed with; a pseudonym will do."""
    role: Role


class PersonNow(BaseModel):
    """Somebody who may log in, or could once."""

    id: str
    name: str
    role: Role
    created_at: float
    disabled_at: float | None
    introduction: Literal["passed", "failed"] | None
    read_instructions: str | None
    """The newest version of the instructions that they have read."""


class People(BaseModel):
    """Everybody, in the order in which they were added."""

    people: list[PersonNow]


class Invite(BaseModel):
    """A code that lets somebody in once. It is stored nowhere: this is the only time it is told."""

    code: str
    expires_at: float


class NewToken(Message):
    """What a key for programs is called."""

    name: Text = Field(min_length=1, max_length=64)


class Token(BaseModel):
    """A key for programs. The secret is stored nowhere: this is the only time it is told."""

    id: str
    secret: str


class TokenNow(BaseModel):
    """A key for programs, without its secret."""

    id: str
    name: str
    created_at: float
    revoked_at: float | None


class Tokens(BaseModel):
    """The keys of one person, oldest first."""

    tokens: list[TokenNow]


class Draft(Message):
    """Instructions as they are being written."""

    text: Text = Field(max_length=50_000)


class Preview(BaseModel):
    """How instructions look to labelers."""

    html: str


class NewInstructions(Message):
    """A version of the instructions, to be in force from now on."""

    version: Text = Field(min_length=1, max_length=100)
    question: Text = Field(min_length=1, max_length=1000)
    text: Text = Field(max_length=50_000)
    is_major: bool
    """Whether everybody must read it before the next question."""


class Published(BaseModel):
    """The version that is in force."""

    version: str
    told: str


class NewGold(Message):
    """A question whose best sample is known beyond doubt."""

    comparison: Id
    chosen: Id
    explanation: Text = Field(default="", max_length=4000)
    is_training: bool
    """Whether newcomers get it, with the explanation; else it is asked silently."""


class GoldNow(BaseModel):
    """What is known of a question."""

    chosen: str
    explanation: str
    is_training: bool
    created_by: str


class SampleAsked(BaseModel):
    """A sample of a question, and how many chose it."""

    id: str
    text: str
    votes: int


class QuestionNow(BaseModel):
    """A question as its owner sees it."""

    number: int
    comparison: str
    round: int
    prompt: str
    samples: list[SampleAsked]
    n_answers: int
    gold: GoldNow | None
    doubt: str = ""
    """Why the known answer may be wrong; empty if nothing says so."""


class QuestionsAsked(BaseModel):
    """Questions, newest first."""

    questions: list[QuestionNow]
    before: int | None
    """Ask for those before this number next; null: these were the last."""


class NewRule(Message):
    """An exclusion: somebody's answers do not count from the next batch on."""

    name: Text = Field(min_length=1, max_length=100)
    """A word for it, such as `random clicking`."""
    labeler: Text = Field(min_length=1, max_length=200)
    reason: Text = Field(min_length=1, max_length=2000)


class Rules(BaseModel):
    """Every exclusion, those that were undone among them."""

    rules: list[Exclusion]


class Release(Message):
    """The owner's word that lets the run go on."""

    checked: Text = Field(min_length=1, max_length=2000)
    """What was looked at, for whoever asks later."""
    action: StopAction
    roll_back_to: Number | None = None
    """The update whose checkpoint the run goes back to; only with `roll_back`."""


class Released(BaseModel):
    """How the run goes on."""

    told: str


class ShareTold(BaseModel):
    """Right answers of all answers of one kind."""

    value: float | None
    low: float
    high: float
    n: int
    verdict: str
    told: str


class FindingTold(BaseModel):
    """What stands out about somebody, and what one might do. Nothing is done by itself."""

    kind: str
    status: str
    told: str
    n: int
    action: str | None


class LabelerNow(BaseModel):
    """One person's work, and how far it can be trusted."""

    name: str
    is_excluded: bool
    is_disabled: bool
    answers: int
    """With a preference."""
    skips: int
    flags: int
    hours: float
    cost: float
    median_seconds: float | None
    gold: ShareTold | None
    """Silent questions with a known answer that they got right."""
    training: ShareTold | None
    """Explained ones; they teach, and no finding rests on them."""
    others: ShareTold | None
    """How often others chose the same."""
    itself: ShareTold | None
    """How often they chose the same again."""
    findings: list[FindingTold]
    """One per detector, also what was not found."""


class VersionNow(BaseModel):
    """Everybody together under one version of the instructions."""

    version: str
    labelers: int
    answers: dict[str, int]
    """By kind, over the whole run."""
    agreement: ShareTold | None
    gold: ShareTold | None


class TeamNow(BaseModel):
    """Everybody's work, over all or under one version of the instructions."""

    at: float | None
    """The time that the figures of trust are of; null while they are being worked out."""
    n_labels: int
    """The newest labels, which they rest on."""
    version: str | None
    versions: list[str]
    currency: str
    told: str
    labelers: list[LabelerNow]
    by_version: list[VersionNow]
    """Oldest first."""
    warnings: list[str]
    """What concerns everybody: the instructions, a known answer, a rule."""
