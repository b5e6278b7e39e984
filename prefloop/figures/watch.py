"""Alarms of the watch on the policy, as typed records."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.record import RECORD

AlarmLevel = Literal["fine", "warn", "stop", "unknown"]
"""`unknown`: too few updates, or the run does not measure it. `warn` and `stop` are alarms."""


class AlarmReading(BaseModel):
    """What an alarm says of a run so far."""

    model_config = RECORD

    level: AlarmLevel
    message: str = ""
    """What was measured, in one sentence; empty where nothing is known."""


class RaisedAlarm(BaseModel):
    """An alarm that began in an update: the first of its round at which it had this level."""

    model_config = RECORD

    name: str
    level: AlarmLevel
    round: int
    update: int
    message: str
    threshold: str
    """In words, with what it is compared with."""
    source: str
    """Where the threshold comes from."""
    action: str
    """What to do next."""
