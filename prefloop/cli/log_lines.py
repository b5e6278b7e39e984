"""The log on standard error: lines with a time, repeated ones throttled."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from prefloop.text.printable import on_one_line

LOGGERS = ("prefloop", "uvicorn")

MOST_ALIKE = 10
"""Lines of one kind within `WINDOW_SECONDS`; further ones are counted."""

WINDOW_SECONDS = 60.0


class LineFormatter(logging.Formatter):
    """One line per record: time with its offset from UTC, level, message.

    What a record quotes cannot begin another line, nor command a terminal.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return on_one_line(super().format(record))


class Throttle:
    """Lets through so many records of one kind per window, and says how many it left out.

    Records with the same format string are of one kind, whatever values they have: a stranger can
    vary the values.
    """

    def __init__(
        self,
        most: int = MOST_ALIKE,
        seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kinds: dict[tuple[str, object], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def note(self, record: logging.LogRecord) -> str | None:
        """Return a note on records that are left out, or no text; None to leave this one out."""
        kind = (record.name, record.msg)
        now = self._clock()
        with self._lock:
            begun, n = self._kinds.get(kind, (now, 0))
            n_left_out = 0
            if now - begun >= self._seconds:
                n_left_out, begun, n = max(0, n - self._most), now, 0
            self._kinds[kind] = (begun, n + 1)
        if n >= self._most:
            return None
        if n_left_out:
            return f"[{n_left_out} more like this before were left out]"
        if n == self._most - 1:
            from prefloop.figures.text import duration  # pydantic, which help starts without

            return f"[more like this are left out for {duration(self._seconds)}]"
        return ""


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream, else to standard error as it is at that moment."""

    def __init__(self, stream: TextIO | None = None, throttle: Throttle | None = None) -> None:
        super().__init__(stream)
        self._stream = stream
        self._throttle = throttle or Throttle()
        self.setFormatter(LineFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record, unless there were too many like it."""
        note = self._throttle.note(record)
        if note is None:
            return
        if note:
            # A copy: other handlers get the record as it came.
            message = f"{record.getMessage()} {note}"
            record = logging.makeLogRecord(record.__dict__ | {"msg": message, "args": ()})
        self.stream = self._stream or sys.stderr
        super().emit(record)


def log_with_time(stream: TextIO | None = None) -> None:
    """Write what prefloop and its server log to a stream; called again, it replaces the last."""
    handler = LineHandler(stream)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        for earlier in [each for each in logger.handlers if isinstance(each, LineHandler)]:
            logger.removeHandler(earlier)
        logger.addHandler(handler)
