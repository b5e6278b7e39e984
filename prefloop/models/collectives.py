"""What all processes of a run do at once with sharded models (FSDP): passes, and work on weights.

A pass through a sharded model gathers the weights of one layer after the other from all processes,
so all of them must make it, forward and backward. Nobody counts passes for that: a process that has
one to make says so, and those that have none beside it make an idle one, on a token that nobody
asked about and with a gradient of 0. So shares of any size, responses that end at different
tokens, and what process 0 does alone are what they are without sharding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Protocol

from prefloop.models.processes import COLLECTIVE, Plain, Processes

DONE = 0
"""What a process says that has no pass to make."""


class Pass(IntEnum):
    """The passes of a model."""

    HIDDEN = 1
    LOGITS = 2
    BACKWARD = 3


class SharedModel(Protocol):
    """A model of which each process holds a part."""

    def idle(self, kind: Pass, *, with_gradient: bool) -> None:
        """Make a pass beside those of other processes."""

    def do(self, operation: str, given: Plain) -> None:
        """Do with this process's part what process 0 does with its own."""

    def forget_passes(self) -> None:
        """Drop what was kept of passes for a gradient that nobody will ask for."""


class Collectives:
    """The sharded models of a run, in the same order in each process."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self._models: list[SharedModel] = []
        self._is_joint = False
        """Whether all processes are at a share of the same work; otherwise process 0 alone acts."""
        processes.collectives = self

    def add(self, model: SharedModel) -> int:
        """Add a model; return its number."""
        self._models.append(model)
        return len(self._models) - 1

    @contextmanager
    def pass_of(self, number: int, kind: Pass, *, with_gradient: bool) -> Iterator[None]:
        """Make one pass of a model inside the block, which all processes make at the same time."""
        code = (number * len(Pass) + kind) * 2 + with_gradient
        if not self._is_joint:
            with self.processes.asking(COLLECTIVE, {"pass": code}):
                yield
            return
        while (agreed := self.processes.agree(code)) != code:
            self._idle(agreed)
        with self.processes.in_step():
            yield

    @contextmanager
    def everywhere(self, number: int, operation: str, **given: object) -> Iterator[None]:
        """Have the others do an operation on their parts, while this process does it inside."""
        named = {"model": number, "operation": operation, "given": given}
        with self.processes.asking(COLLECTIVE, named):
            yield

    def take_part(self, given: Plain) -> None:
        """Do what process 0 asks for while this process has nothing else to do."""
        with self.processes.in_step():
            if "pass" in given:
                self._idle(given["pass"])
            else:
                self._models[given["model"]].do(given["operation"], given["given"])

    @contextmanager
    def joint_work(self) -> Iterator[None]:
        """Do a share of work inside the block; then make idle passes until all are through."""
        for model in self._models:
            model.forget_passes()
        self._is_joint = True
        try:
            yield
        except Exception:
            self._wait_for_others()
            raise
        except BaseException:
            self.processes.is_out_of_step = True  # ^C: the others are not waited for
            raise
        else:
            self._wait_for_others()
        finally:
            self._is_joint = False

    def _wait_for_others(self) -> None:
        while not self.processes.is_out_of_step and (agreed := self.processes.agree(DONE)):
            self._idle(agreed)

    def _idle(self, code: int) -> None:
        rest, with_gradient = divmod(code, 2)
        number, kind = divmod(rest - 1, len(Pass))
        with self.processes.in_step():
            self._models[number].idle(Pass(kind + 1), with_gradient=bool(with_gradient))
