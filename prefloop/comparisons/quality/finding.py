"""What a detector says about a labeler: a reason with numbers, and what one might do."""

from dataclasses import dataclass
from typing import Literal

from prefloop.comparisons.quality.share import Share
from prefloop.functional.statistics import Interval

Kind = Literal["place", "chance", "flipped", "copying", "speed", "rows", "gold", "repeats"]
"""`place`: chooses where a sample stands. `chance`: no better than a coin. `flipped`: avoids what
others choose. `copying`: chooses what copies. `speed`: faster than one can skim. `rows`: long rows
of like answers. `gold`, `repeats`: fails known answers, or their own earlier ones."""
Status = Literal["found", "not found", "not enough evidence"]
Action = Literal["look", "ask", "exclude"]
"""`look` at some answers; `ask` the labeler, who may have a reason or have misread something;
`exclude`: add a rule, which can be undone. A person decides; a finding does nothing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One detector's word on one labeler."""

    labeler: str
    kind: Kind
    status: Status
    told: str
    """The reason with its numbers, in a sentence or two."""
    n: int
    """Answers it rests on."""
    value: float | None = None
    interval: Interval | None = None
    action: Action | None = None
    """None unless something was found."""


def unknown(labeler: str, kind: Kind, n: int, told: str) -> Finding:
    """Return the finding that there is not enough evidence."""
    return Finding(labeler=labeler, kind=kind, status="not enough evidence", told=told, n=n)


def share_finding(labeler: str, kind: Kind, share: Share, *, lead: str) -> Finding:
    """Return a verdict on known answers as a finding; failing is a reason to ask."""
    status: Status = "not enough evidence"
    if share.verdict != "not enough evidence":
        status = "found" if share.verdict == "fail" else "not found"
    return Finding(
        labeler=labeler,
        kind=kind,
        status=status,
        told=f"{lead}: {share.told}",
        n=share.n,
        value=share.value,
        interval=share.interval,
        action="ask" if status == "found" else None,
    )
