"""What labelers, the labeling page, the trainer and the run's owner hand to each other.

The records of the loop itself are in `records.py`. Times are seconds since 1970, UTC, by the clock
of the database: a labeler's or a server's own clock decides nothing.
"""

from dataclasses import dataclass
from typing import Any, Literal

from prefloop.records import Label

Role = Literal["owner", "labeler", "viewer"]
AssignmentKind = Literal["work", "gold", "training", "repeat"]
"""`work` becomes a label. The others measure the labeler: gold has a known answer, training has one
that is shown afterwards, a repeat was answered by the same person before."""
StopAction = Literal["resume", "roll_back"]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone who may log in."""

    id: str
    name: str
    """What their labels are signed with; pseudonyms are welcome."""
    role: Role
    created_at: float
    disabled_at: float | None = None
    introduction: Literal["passed", "failed"] | None = None
    """How the training questions went; an owner can let somebody through who failed."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A browser that is logged in. The cookie's secret itself is stored nowhere."""

    person: Person
    csrf: str
    """What unsafe requests of this session must carry in a header."""
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class ShownSample:
    """A sample as a labeler sees it: what it says, and nothing about where it comes from."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A question handed to one labeler, with the order in which its samples stand.

    The order is drawn anew for every view. The question is leased: nobody else gets it until
    `leased_until`, and an answer that comes later is taken all the same.
    """

    id: str
    comparison_id: str
    labeler: str
    kind: AssignmentKind
    prompt: str
    samples: tuple[ShownSample, ...]
    """In the order on screen."""
    leased_at: float
    leased_until: float


@dataclass(frozen=True, kw_only=True)
class ClaimPolicy:
    """What a labeler who asks for a question is given."""

    lease_seconds: float = 900.0
    """How long a question is kept for its labeler."""
    gold_share: float = 0.08
    """With what probability a question is a silent gold one; never two in a row."""
    repeat_share: float = 0.03
    """With what probability a question is one that the same labeler has answered before."""
    repeat_after_seconds: float = 1800.0
    """How long ago they must have answered it."""
    training_items: int = 0
    """Questions with a known and explained answer that a newcomer gets before the first others."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How an answer came about, measured by the browser's own stopwatch, in seconds."""

    active_seconds: float | None = None
    """Time with the page in view and a key, pointer or scroll within the last minute."""
    first_key_seconds: float | None = None
    """From showing the question to the first key or tap."""
    device: str = ""
    """`desktop`, `phone`, `program`: the layout that was on screen."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An answer on its way to the store."""

    label: Label
    """`label.id` is the client's UUID. `label.comparison_id` and `label.shown` are those of the
    view; the store checks them. Who is not told which comparison it is leaves the first empty: then
    `chosen` and `shown` name samples by their places in the view, from "1" on, and so does the
    receipt."""
    view_id: str
    timing: Timing = Timing()
    replaces: str | None = None
    """For an edit: the id of the label that the labeler saw as theirs. None for a first answer."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a submission. `stored` and `same` mean: it is on the disk."""

    label_id: str
    outcome: Literal["stored", "same", "late", "conflict", "closed", "refused"]
    """`same`: this very answer was there already. `late`: stored, after its batch had closed, so it
    counts from the next round on. `conflict`: the id, or the answer to be replaced, is there with
    other content. `closed`: an edit of an answer whose batch has closed. `refused`: not acceptable;
    `told` says why."""
    told: str = ""
    """A sentence for the labeler."""
    is_right: bool | None = None
    """For training views: whether the answer agrees with the known one."""
    explanation: str = ""
    """For training views: why the known answer is right."""
    known: str | None = None
    """For training views: the id of the sample that is known to be best."""


@dataclass(frozen=True, kw_only=True)
class Gold:
    """A question whose best sample is known beyond doubt."""

    comparison_id: str
    chosen: str
    explanation: str
    is_training: bool
    """Training questions teach newcomers and are explained; the others are asked silently."""
    created_by: str


@dataclass(frozen=True, kw_only=True)
class QualityCheck:
    """An answer to a gold, training or repeated question: it measures the labeler only."""

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
    """Whether it names the known answer; for a repeat, the labeler's own first one. None if the
    answer was a skip or a flag."""


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """One version of what labelers are asked and told."""

    version: str
    question: str
    text: str
    is_major: bool
    """Whether everybody must read it before the next question."""
    created_at: float
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The questions of one round, while they are asked and after."""

    round: int
    opened_at: float
    frozen_at: float | None
    frozen_sequence: int | None
    """The last event of the ledger that the round's reward model may know."""
    wanted: int
    """Answers that are asked for, all questions and overlaps together."""
    answered: int
    """Answers with a preference that are there, none counted beyond its question's overlap."""
    per_minute: float | None
    """Answers in the last ten minutes, by the minute; None before the first."""


@dataclass(frozen=True, kw_only=True)
class StopRequest:
    """Somebody stopped the line."""

    id: str
    pulled_by: str
    reason: str
    samples: tuple[str, ...]
    """Ids of the samples that were on the page when the cord was pulled."""
    pulled_at: float
    stopped_at: float | None = None
    """When the trainer had written its checkpoint and stood still; None: it has not yet."""
    update: int | None = None
    """The update at which it stood still."""
    released_at: float | None = None
    released_by: str | None = None
    checked: str = ""
    """What the owner checked before letting the run go on."""
    action: StopAction | None = None
    roll_back_to: int | None = None
    """The update whose checkpoint the run goes on from."""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """An exclusion: a labeler's answers do not count until it is undone. Nothing is deleted."""

    id: str
    name: str
    labeler: str
    reason: str
    applied_by: str
    applied_at: float
    n_labels: int
    """Live labels that it keeps out."""
    undone_at: float | None = None
    undone_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainerState:
    """What the trainer is doing, as it last said."""

    phase: str
    """A stage's name, `waiting for labels`, `stopped by the cord`, or `finished`."""
    round: int
    done: int
    total: int
    detail: str
    checkpoints: tuple[int, ...]
    """Updates that the policy can be rolled back to."""
    beat_at: float
    address: str = ""
    """Where the labeling page is served; empty if it is not."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """One line of metrics, as the dashboard shows it, with a few of the texts behind it."""

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
    """How many answers one labeler gave under one version of the instructions in one hour."""

    hour: int
    """Hours since 1970."""
    labeler: str
    instructions: str
    n: dict[str, int]
    """By kind of answer: best, tie, all_bad, skip, flag."""
    seconds: float
    """Time they took, breaks left out."""
