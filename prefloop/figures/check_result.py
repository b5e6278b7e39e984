"""The result of a check, as the doctor and the audits give it."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.record import RECORD

CheckStatus = Literal["ok", "warn", "bad", "later"]
"""`later`: the run has not come to it, or has too little to tell."""


class CheckResult(BaseModel):
    """What one check of one stage found."""

    model_config = RECORD

    stage: str
    check: str
    status: CheckStatus
    message: str
    """What was found, in one or two sentences."""
    action: str = ""
    """What to do next; empty if nothing."""
