"""Verbs that several processes run together: one leads, the others help and print nothing."""

import os
import signal
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING

import typer

from prefloop.errors import ProcessesError
from prefloop.launch import NUMBERS, leave_launch, read_launch, refuse_several

if TYPE_CHECKING:
    from prefloop.models.processes import Processes

TRAINING = frozenset(
    [
        *("run", "demo", "prompts", "samples", "comparisons"),
        *("rewards", "policy", "evaluation"),
    ]
)
"""The verbs that train, or are a part of a run that does."""


_JOINED: ContextVar["Processes | None"] = ContextVar("processes of this command", default=None)


def join(context: typer.Context) -> None:
    """Join the other processes where a launcher started several; a helper does not come back.

    ProcessesError if the launcher's variables are not whole, or the verb runs in one process.
    """
    verb = context.invoked_subcommand
    is_in_one = verb not in TRAINING
    if verb is None or (is_in_one and NUMBERS[0] not in os.environ):
        return
    launch = read_launch(os.environ)
    if launch.size == 1:
        return
    if is_in_one:
        refuse_several(launch.size, f"prefloop {verb}")
    from prefloop.models.processes import Processes

    is_helper = launch.rank > 0
    if is_helper:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # process 0 answers ^C, and this one follows
    else:
        signal.signal(signal.SIGTERM, _end)
    processes = Processes(launch)
    leave_launch(os.environ)
    context.call_on_close(processes.close)
    if is_helper:
        from prefloop.run.helping import help_run

        help_run(processes)
        raise typer.Exit
    _JOINED.set(processes)


def joined() -> "Processes | None":
    """Return the processes of this command; None where it was started alone."""
    return _JOINED.get()


def refuse_joined(what: str) -> None:
    """Raise a ProcessesError if several processes were started; `what` runs in one."""
    processes = joined()
    refuse_several(1 if processes is None else processes.size, what)


def _end(number: int, frame: FrameType | None) -> None:
    """End as a launcher wants it, which ends all processes where one has died."""
    raise ProcessesError(
        "the run was ended from outside (SIGTERM), as a launcher does when one of its processes "
        "has died. What was done up to the last checkpoint is kept: run the same command again, "
        "with as many processes as you like."
    )
