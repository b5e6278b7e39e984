"""Requests and responses of the API for owners."""

from typing import Literal

from pydantic import BaseModel, Field

from prefloop.teamwork import Exclusion, Role, StopAction
from prefloop.web.http.messages import Id, Number, RequestBody, Text, Typed


class NewPerson(RequestBody):
    """A new person."""

    name: Text = Field(min_length=1, max_length=64)
    """Labels are signed with it; a pseudonym is allowed."""
    role: Role


class NewName(RequestBody):
    """A person's new name."""

    name: Text = Field(min_length=1, max_length=64)


class PersonOut(BaseModel):
    """A person with a current or past account."""

    id: str
    name: str
    role: Role
    created_at: float
    disabled_at: float | None
    qualification: Literal["passed", "failed"] | None
    """Result of the qualification."""
    read_instructions: str | None
    """The newest version of the instructions that they have read."""
    code_expires_at: float | None = None
    """In the list of people: when their unused code expires; null: there is none."""


class PeopleOut(BaseModel):
    """All people, in the order in which they were added."""

    people: list[PersonOut]


class InviteOut(BaseModel):
    """A code with which a person logs in once. Only its hash is stored: it is shown only now."""

    code: str
    expires_at: float


class NewToken(RequestBody):
    """The name of a new token."""

    name: Text = Field(min_length=1, max_length=64)


class NewTokenOut(BaseModel):
    """A token for programs. Only a hash of the secret is stored: it is shown only now."""

    id: str
    secret: str


class TokenOut(BaseModel):
    """A token for programs, without its secret."""

    id: str
    name: str
    created_at: float
    revoked_at: float | None


class TokensOut(BaseModel):
    """The tokens of one person, oldest first."""

    tokens: list[TokenOut]


class InstructionsDraft(RequestBody):
    """A draft of instructions."""

    text: Text = Field(max_length=50_000)


class PreviewOut(BaseModel):
    """Instructions as labelers see them."""

    html: str


class NewInstructions(RequestBody):
    """A new version of the instructions."""

    version: Text = Field(min_length=1, max_length=100)
    question: Text = Field(min_length=1, max_length=1000)
    text: Text = Field(max_length=50_000)
    is_major: bool
    """Whether everybody must read it before the next question."""


class PublishedOut(BaseModel):
    """The version that is in force."""

    version: str
    message: str


class NewGold(RequestBody):
    """A comparison whose best sample is known beyond doubt."""

    comparison: Id
    chosen: Id
    explanation: Text = Field(default="", max_length=4000)
    is_training: bool
    """Whether new labelers get it, with the explanation; else it is asked silently."""


class GoldOut(BaseModel):
    """The known answer to a comparison."""

    chosen: str
    explanation: str
    is_training: bool
    created_by: str


class SampleVotesOut(BaseModel):
    """A sample of a comparison, and how many labelers chose it."""

    id: str
    text: str
    votes: int


class ComparisonOut(BaseModel):
    """A comparison as the owner sees it."""

    number: int
    comparison: str
    round: int
    prompt: str
    samples: list[SampleVotesOut]
    n_answers: int
    gold: GoldOut | None
    doubt: str = ""
    """Why the known answer may be wrong; empty if nothing suggests it."""


class ComparisonsOut(BaseModel):
    """Comparisons, newest first."""

    questions: list[ComparisonOut]
    before: int | None
    """Ask for those before this number next; null: these are the last."""


class NewExclusion(RequestBody):
    """An exclusion: a labeler's answers do not count from the next batch on."""

    name: Text = Field(min_length=1, max_length=100)
    """A word for it, such as `random clicking`."""
    labeler: Typed = Field(min_length=1, max_length=200)
    reason: Text = Field(min_length=1, max_length=2000)


class ExclusionsOut(BaseModel):
    """All exclusions, including those that were undone."""

    exclusions: list[Exclusion]


class Release(RequestBody):
    """The owner's decision how the run continues after a stop."""

    checked: Text = Field(min_length=1, max_length=2000)
    """What was checked, for the record."""
    action: StopAction
    roll_back_to: Number | None = None
    """The update whose checkpoint the run continues from; only with `roll_back`."""


class ReleasedOut(BaseModel):
    """How the run continues."""

    message: str


class TeamShareOut(BaseModel):
    """A share with its interval and a verdict."""

    value: float | None
    low: float
    high: float
    n: int
    verdict: str
    message: str


class FindingOut(BaseModel):
    """What a detector found about a labeler, with a proposed action. Nothing happens by itself."""

    kind: str
    status: str
    message: str
    n: int
    action: str | None


class LabelerOut(BaseModel):
    """One labeler's work and quality figures."""

    name: str
    is_excluded: bool
    is_disabled: bool
    answers: int
    """With a preference."""
    skips: int
    flags: int
    unanswered: int
    """Questions that they were handed and left unanswered: given back, or lapsed."""
    unanswered_known: int
    """Of them, silent gold questions."""
    hours: float
    cost: float
    median_seconds: float | None
    gold: TeamShareOut | None
    """Share of right answers to silent gold questions."""
    training: TeamShareOut | None
    """Share of right answers to training questions; no finding rests on it."""
    others: TeamShareOut | None
    """Agreement with other labelers."""
    itself: TeamShareOut | None
    """Test-retest consistency."""
    findings: list[FindingOut]
    """One per detector, including those that found nothing."""


class VersionOut(BaseModel):
    """All labelers together under one version of the instructions."""

    version: str
    labelers: int
    answers: dict[str, int]
    """By kind, over the whole run."""
    agreement: TeamShareOut | None
    gold: TeamShareOut | None


class TeamOut(BaseModel):
    """The work of all labelers, under one version of the instructions or all."""

    at: float | None
    """The time of the quality figures; null before the first measurement."""
    n_labels: int
    """The newest labels, which the quality figures are computed from."""
    version: str | None
    versions: list[str]
    currency: str
    message: str
    labelers: list[LabelerOut]
    by_version: list[VersionOut]
    """Oldest first."""
    warnings: list[str]
    """Alarms on all labels together: the instructions, a known answer, an exclusion."""
