"""Records that labelers, the labeling page, the trainer and the run's owner exchange.

The records of the loop itself are in `records.py`. Times are seconds since 1970, UTC, by the clock
of the database, never by a labeler's or a server's own clock.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from prefloop.records import Label

Role = Literal["owner", "labeler", "viewer"]
AssignmentKind = Literal["regular", "gold", "training", "retest"]
"""`regular` becomes a label. The others measure the labeler: gold has a known answer, training has
a known answer that is shown afterwards, a retest was answered by the same person before."""
StopAction = Literal["resume", "roll_back"]

LIVE: Final = -(10**6)
"""The number of the one batch of live questions: is the policy in training better or worse than the
reference? It is open as long as the run trains."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person with a current or past account."""

    id: str
    name: str
    """Labels are signed with it; a pseudonym is allowed."""
    role: Role
    created_at: float
    disabled_at: float | None = None
    qualification: Literal["passed", "failed"] | None = None
    """Result of the training questions; an owner can let a person pass who failed."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A browser that is logged in. The secret of its cookie is stored nowhere."""

    person: Person
    csrf: str
    """Token that unsafe requests of this session must carry in a header."""
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class ShownSample:
    """A sample as a labeler sees it: its text, without its origin."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A comparison handed to one labeler, with the order in which its samples are shown.

    The order is drawn for each assignment. The comparison is leased: nobody else gets it until
    `leased_until`, and an answer that comes later is still accepted.
    """

    id: str
    comparison_id: str
    labeler: str
    kind: AssignmentKind
    prompt: str
    samples: tuple[ShownSample, ...]
    """In the order on screen."""
    label_type: str | None
    """As `Comparison.label_type`."""
    leased_at: float
    leased_until: float


@dataclass(frozen=True, kw_only=True)
class ClaimPolicy:
    """Which assignments a labeler gets who asks for some."""

    lease_seconds: float = 900.0
    """How long a comparison is reserved for its labeler."""
    gold_share: float = 0.08
    """Probability that an assignment is a silent gold question, whatever came before it."""
    retest_share: float = 0.03
    """Probability that an assignment is a question that the same labeler answered before."""
    retest_after_seconds: float = 1800.0
    """Least time since that earlier answer."""
    training_items: int = 0
    """Questions with a known and explained answer that a new labeler gets first."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long an answer took, measured in the browser, in seconds: for audits, never for pay."""

    active_seconds: float | None = None
    """Time with the page in view and a key, pointer or scroll within the last minute."""
    first_key_seconds: float | None = None
    """From showing the question to the first key or tap."""
    device: str = ""
    """`desktop`, `phone` (the layout on screen) or `program`."""


@dataclass(frozen=True, kw_only=True)
class AnswerTimes:
    """How long an answer took: worked (for pay) and held by the database, active by a browser."""

    worked_seconds: float | None
    held_seconds: float
    active_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An answer that is sent to the store."""

    label: Label
    """`label.id` is the client's UUID. `label.comparison_id` and `label.shown` are those of the
    assignment; the store checks them. A client that does not know the comparison leaves
    `comparison_id` empty: then `chosen` and `shown` name samples by their positions in the
    assignment, from "1" on, and so does the receipt."""
    assignment_id: str
    timing: Timing = Timing()
    replaces: str | None = None
    """For an edit: the id of the answer that the labeler saw as their own. None: a first answer."""
    is_harmful: bool = False
    """For a flag: the question should be shown to nobody. It is held until an owner has looked."""


@dataclass(frozen=True, kw_only=True)
class Gold:
    """A comparison whose best sample is known beyond doubt."""

    comparison_id: str
    chosen: str
    explanation: str
    is_training: bool
    """Training questions teach new labelers and are explained; the others are asked silently."""
    created_by: str


@dataclass(frozen=True, kw_only=True)
class QualityCheck:
    """An answer to a gold, training or retest question: it measures the labeler only."""

    id: str
    comparison_id: str
    labeler: str
    kind: AssignmentKind
    answer: str
    chosen: str | None
    shown: tuple[str, ...]
    seconds: float
    instructions: str
    is_right: bool | None
    """Whether it names the known answer; for a retest, the labeler's own first one. None if the
    answer was a skip or a flag."""


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """One version of the instructions to labelers."""

    version: str
    question: str
    text: str
    is_major: bool
    """Whether everybody must read it before the next question."""
    created_at: float
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Comparisons for people, while they are open and afterwards: those of one round, or, under a
    negative number, those whose answers are verdicts on one model, or under LIVE live questions."""

    round: int
    opened_at: float
    frozen_at: float | None
    frozen_sequence: int | None
    """The last event of the ledger that the round's reward model may use."""
    wanted: int
    """Answers that are asked for: the overlaps of all comparisons, added up."""
    answered: int
    """Stored answers with a preference, none counted beyond its comparison's overlap."""
    per_minute: float | None
    """Mean rate of answers over the last ten minutes; None before the first."""

    @property
    def is_for_verdicts(self) -> bool:
        """Whether its answers are verdicts, which nothing learns from."""
        return self.round < 0 and self.round != LIVE

    @property
    def title(self) -> str:
        """What people call it.

        >>> Batch(round=-1, opened_at=0.0, frozen_at=None, frozen_sequence=None, wanted=8,
        ...       answered=0, per_minute=None).title
        'verdicts 1'
        """
        if self.round == LIVE:
            return "live questions"
        return f"verdicts {-self.round}" if self.is_for_verdicts else f"round {self.round}"


@dataclass(frozen=True, kw_only=True)
class JudgingTerms:
    """What a batch of questions for verdicts was opened with: it holds until the batch is closed,
    whatever the run file says later, or the error rate of the looks would be another one."""

    questions: int
    answers: int
    """People who answer each question."""
    looks: int
    """How often the result is looked at."""


@dataclass(frozen=True, kw_only=True)
class VerdictAnswer:
    """An answer to a question for verdicts, and when it came and ended."""

    label: Label
    sequence: int
    """The event of the ledger that brought it."""
    ended_by: int | None
    """The event that replaced or withdrew it; None: it is live."""


@dataclass(frozen=True, kw_only=True)
class LiveQuestion:
    """A question that was asked while the policy trained: is its text better than the reference's?
    Nothing that a labeler is shown says which is which."""

    comparison_id: str
    policy_sample: str
    """The id of the sample that the policy gave."""
    model: str
    """The name of the policy that gave it, as in `policy/update-40`."""
    update: int
    """The update of that policy."""
    sequence: int
    """The event of the ledger with which it was asked."""


@dataclass(frozen=True, kw_only=True)
class StopRequest:
    """A request to stop the run, with its reason ("the cord")."""

    id: str
    pulled_by: str
    reason: str
    samples: tuple[str, ...]
    """Ids of the samples that were on the page when the cord was pulled."""
    pulled_at: float
    stopped_at: float | None = None
    """When the trainer had written its checkpoint and stopped; None: not yet."""
    update: int | None = None
    """The update at which it stopped."""
    released_at: float | None = None
    released_by: str | None = None
    checked: str = ""
    """What the owner checked before resuming the run."""
    action: StopAction | None = None
    roll_back_to: int | None = None
    """The update from whose checkpoint the run continues."""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Leaves a labeler's answers out of training until it is undone. Nothing is deleted."""

    id: str
    name: str
    labeler: str
    reason: str
    applied_by: str
    applied_at: float
    n_labels: int
    """Live labels that it leaves out."""
    undone_at: float | None = None
    undone_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainerState:
    """The trainer's last heartbeat."""

    phase: str
    """A stage's name, `waiting for labels`, `stopped by the cord`, or `finished`."""
    round: int
    done: int
    total: int
    detail: str
    checkpoints: tuple[int, ...]
    """Updates that the policy can be rolled back to."""
    heartbeat_at: float
    address: str = ""
    """Where the labeling page is served; empty if it is not."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """One line of metrics for the dashboard, with a few texts of its batch."""

    number: int
    """Counts the lines of a run: ask for those after the last one you have."""
    stage: str
    round: int
    update: int
    created_at: float
    line: dict[str, Any]
    samples: tuple[dict[str, Any], ...] = ()
    """`prompt`, `response`, `score`, `kl` of some responses of the batch."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The number of answers of one labeler under one version of the instructions in one hour."""

    hour: int
    """Hours since 1970."""
    labeler: str
    instructions: str
    n: dict[str, int]
    """By answer: best, tie, all_bad, skip, flag."""
    seconds: float
    """Time they took, by the database's clock: `AnswerTimes.worked_seconds`."""
