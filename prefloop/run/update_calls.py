"""A function of the caller's that is called after every update, and may end the run."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.progress import StopRequested

OnUpdate = Callable[[MetricsLine], object]
"""Takes the numbers of one update. It ends the run by returning True or raising StopRequested."""


class UpdateCalls:
    """Takes lines of metrics as they are written, and hands them over at safe points."""

    def __init__(self, function: OnUpdate | None) -> None:
        self._function = function
        self._lines: deque[MetricsLine] = deque()

    def write(
        self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Queue a line: in the middle of an update the run could not end."""
        if self._function is not None:
            self._lines.append(read_line(line))

    def forget_after(self, stage: str, update: int, round_number: int | None) -> None:
        """Forget nothing: a line that was dropped was made all the same."""

    def make(self) -> None:
        """Hand over what came since; StopRequested if the function wants the run to end here."""
        while self._lines and self._function is not None:
            line = self._lines.popleft()
            if _is_true(self._function(line)):
                raise StopRequested(f"on_update returned True at {line.stage} update {line.update}")


def _is_true(returned: object) -> bool:
    """Whether a function returned True, Python's or NumPy's; nothing else that counts as true."""
    return isinstance(returned, bool | np.bool_) and bool(returned)
