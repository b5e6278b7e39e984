"""The result of one quality check of one labeler: status, reason with numbers, suggested action."""

from dataclasses import dataclass
from typing import Literal

from prefloop.comparisons.quality.share import Share
from prefloop.functional.statistics import Interval

FindingKind = Literal[
    "flipped", "chance", "position", "streaks", "copying", "speed", "gold", "test_retest"
]
"""`flipped`: avoids what others choose. `chance`: no better than guessing. `position`: chooses by
the position of a sample. `streaks`: long streaks of the same answer. `copying`: chooses what copies
the prompt. `speed`: faster than one can skim. `gold`: fails known answers. `test_retest`: answers
repeated questions differently."""
FindingStatus = Literal["found", "not found", "not enough evidence"]
Action = Literal["look", "ask", "exclude"]
"""`look` at some answers; `ask` the labeler, who may have a reason or have misread something;
`exclude` the labeler, which can be undone. A person decides; a finding has no effect."""


@dataclass(frozen=True, kw_only=True)
class LabelerFinding:
    """The result of one check of one labeler."""

    labeler: str
    kind: FindingKind
    status: FindingStatus
    message: str
    """The reason with its numbers, in one or two sentences."""
    n: int
    """Answers that it is based on."""
    value: float | None = None
    interval: Interval | None = None
    action: Action | None = None
    """None unless something was found."""


def unknown(labeler: str, kind: FindingKind, n: int, message: str) -> LabelerFinding:
    """Return a finding with the status "not enough evidence"."""
    return LabelerFinding(
        labeler=labeler, kind=kind, status="not enough evidence", message=message, n=n
    )


def share_finding(labeler: str, kind: FindingKind, share: Share, *, lead: str) -> LabelerFinding:
    """Return the finding for a share of known answers; failing is a reason to ask."""
    status: FindingStatus = "not enough evidence"
    if share.grade != "not enough evidence":
        status = "found" if share.grade == "fail" else "not found"
    return LabelerFinding(
        labeler=labeler,
        kind=kind,
        status=status,
        message=f"{lead}: {share.message}",
        n=share.n,
        value=share.value,
        interval=share.interval,
        action="ask" if status == "found" else None,
    )
