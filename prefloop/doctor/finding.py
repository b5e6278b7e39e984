"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "bad", "later"]
"""`later`: the run has not come to it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check of one stage."""

    stage: str
    check: str
    status: Status
    told: str
    """What was found, in one sentence."""
    action: str = ""
    """What to do next; empty if nothing."""
