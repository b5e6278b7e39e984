"""The result of a check."""

from dataclasses import dataclass
from typing import Literal

CheckStatus = Literal["ok", "warn", "bad", "later"]
"""`later`: the run has not come to it."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check of one stage found."""

    stage: str
    check: str
    status: CheckStatus
    message: str
    """What was found, in one sentence."""
    action: str = ""
    """What to do next; empty if nothing."""
