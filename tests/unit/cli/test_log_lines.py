"""Lines of the log have a time, are one line each, and do not flood."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from prefloop.cli.log_lines import LOGGERS, MOST_ALIKE, LineHandler, Throttle, log_with_time
from tests.unit.web.services.test_rate_limits import Clock

log = logging.getLogger("prefloop.web")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    written = io.StringIO()
    log_with_time(written)
    yield written
    for name in LOGGERS:
        logger = logging.getLogger(name)
        for handler in [h for h in logger.handlers if isinstance(h, LineHandler)]:
            logger.removeHandler(handler)


def test_a_line_has_its_time_with_the_offset_from_utc(stream: io.StringIO) -> None:
    log.warning("login refused from %s", "10.0.0.1")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    first, second = stream.getvalue().splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
    assert re.fullmatch(time + r" WARNING login refused from 10\.0\.0\.1", first)
    assert re.fullmatch(time + r" WARNING Invalid HTTP request received\.", second)


def test_what_is_quoted_begins_no_line_and_commands_no_terminal(stream: io.StringIO) -> None:
    log.warning("login refused from %s", "x\n2026-01-01T00:00:00+0000 ERROR all is lost\x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_beginning_again_writes_nothing_twice(stream: io.StringIO) -> None:
    log_with_time(stream)
    log.warning("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_flood_is_cut_on_the_stream_and_nowhere_else(
    stream: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3 * MOST_ALIKE):
        log.warning("login refused from %s", f"10.0.0.{number}")
    lines = stream.getvalue().splitlines()
    assert len(lines) == MOST_ALIKE
    assert lines[-1].endswith("10.0.0.9 [more like this are left out for 60 s]")
    assert [r.getMessage() for r in caplog.records][9:11] == [
        "login refused from 10.0.0.9",
        "login refused from 10.0.0.10",
    ]


def test_without_a_stream_it_is_standard_error_as_it_is_now(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_with_time()
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    log.warning("the disk is full")
    assert written.getvalue().endswith("WARNING the disk is full\n")
    assert stream.getvalue() == ""


def test_a_flood_is_cut_and_counted() -> None:
    clock = Clock()
    throttle = Throttle(most=3, seconds=60, clock=clock)

    def told(message: str, *args: object) -> str | None:
        record = logging.LogRecord("prefloop.web", logging.WARNING, "", 1, message, args, None)
        note = throttle.note(record)
        return None if note is None else f"{record.getMessage()} {note}".rstrip()

    lines = [told("login refused from %s", f"10.0.0.{n}") for n in range(50)]
    assert lines[:3] == [
        "login refused from 10.0.0.0",
        "login refused from 10.0.0.1",
        "login refused from 10.0.0.2 [more like this are left out for 60 s]",
    ]
    assert lines[3:] == [None] * 47
    assert told("another kind") == "another kind"
    clock.now += 60
    assert told("login refused from %s", "10.0.0.9") == (
        "login refused from 10.0.0.9 [47 more like this before were left out]"
    )
    assert told("login refused from %s", "10.0.0.9") == "login refused from 10.0.0.9"
