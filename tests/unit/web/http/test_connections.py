"""Clients that open connections and send nothing leave the page up."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from prefloop.web.config import WebSettings
from prefloop.web.http.connections import (
    FEWEST_CONNECTIONS,
    MOST_CONNECTIONS,
    Connections,
    LimitedState,
    most_connections,
)
from prefloop.web.serving import listening, make_server
from tests.unit.web.desk import Desk, make_desk, open_store

DEADLINE_SECONDS = 30.0
HALF = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"

SERVE_WITH_256_HANDLES = """
import resource, sys, threading
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.serving import listening, make_server

def ready(address):
    print(address, flush=True)
    threading.Thread(target=end, daemon=True).start()

def end():
    sys.stdin.read()
    server.should_exit = True

with Store.open(Path(sys.argv[1])) as store, listening(WebSettings()) as door:
    server = make_server(store, WebSettings(), on_ready=ready)
    server.run(sockets=[door])
"""


class FakeConnection:
    """A connection that remembers whether it was closed."""

    is_closed = False

    def abort(self) -> None:
        self.is_closed = True


class FakeLoop:
    """A loop whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        self.timers.append((self.now + delay, callback))
        return callback

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
        due = [callback for at, callback in self.timers if at <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for callback in due:
            callback()


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


def test_at_the_limit_whoever_waited_longest_is_closed(loop: FakeLoop) -> None:
    limits = Connections(2, loop=lambda: loop)
    answered, silent, new = (FakeConnection() for _ in range(3))
    limits.opened(answered)
    limits.work_for(answered)
    limits.opened(silent)
    limits.opened(new)
    assert [c.is_closed for c in (answered, silent, new)] == [False, True, False]
    limits.closed(silent)
    limits.wait_for(answered)
    limits.closed(new)
    limits.opened(FakeConnection())
    assert not answered.is_closed, "two are open: that is allowed"


def test_where_all_are_being_answered_the_new_one_is_closed(loop: FakeLoop) -> None:
    limits = Connections(1, loop=lambda: loop)
    answered, new = FakeConnection(), FakeConnection()
    limits.opened(answered)
    limits.work_for(answered)
    limits.opened(new)
    assert new.is_closed and not answered.is_closed


def test_a_client_has_so_many_seconds_and_no_more(loop: FakeLoop) -> None:
    limits = Connections(9, wait_seconds=30, loop=lambda: loop)
    early, late, answered = (FakeConnection() for _ in range(3))
    limits.opened(early)
    limits.opened(answered)
    limits.work_for(answered)
    loop.pass_seconds(20)
    limits.opened(late)
    loop.pass_seconds(10)
    assert (early.is_closed, late.is_closed) == (True, False)
    limits.wait_for(late)
    loop.pass_seconds(20)
    assert late.is_closed, "asking again gives no more time"
    assert not answered.is_closed
    limits.wait_for(answered)
    loop.pass_seconds(29)
    assert not answered.is_closed
    loop.pass_seconds(1)
    assert answered.is_closed


@pytest.mark.parametrize(
    ("handles", "most"), [(8, FEWEST_CONNECTIONS), (256, 128), (1 << 20, MOST_CONNECTIONS)]
)
def test_half_of_the_file_handles_are_for_connections(
    monkeypatch: pytest.MonkeyPatch, handles: int, most: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _kind: (handles, handles))
    assert most_connections() == most


@contextmanager
def served(desk: Desk, limits: Connections) -> Iterator[tuple[str, int]]:
    """A server with these limits, in a thread."""
    is_ready = threading.Event()
    with listening(WebSettings()) as door:
        server = make_server(desk.store, WebSettings(), on_ready=lambda _address: is_ready.set())
        server.server_state = LimitedState(limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            assert is_ready.wait(DEADLINE_SECONDS)
            yield door.getsockname()
        finally:
            server.should_exit = True
            thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def page(host: str, port: int) -> int:
    """Return the status of the login page."""
    client = http.client.HTTPConnection(host, port, timeout=DEADLINE_SECONDS)
    client.request("GET", "/login")
    status = client.getresponse().status
    client.close()
    return status


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HALF,
        b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hea",
    ],
    ids=["nothing", "half a head", "half a body", "half a second request"],
)
def test_an_unfinished_request_is_not_waited_for(desk: Desk, sent: bytes) -> None:
    with (
        served(desk, Connections(100, wait_seconds=0.5)) as where,
        socket.create_connection(where, DEADLINE_SECONDS) as client,
    ):
        client.sendall(sent)
        begun = time.monotonic()
        while client.recv(65536):
            pass
        assert time.monotonic() - begun < 4, "before the time for idle connections"
        assert page(*where) == 200


def test_a_connection_that_is_used_stays_open(desk: Desk) -> None:
    with served(desk, Connections(100, wait_seconds=0.5)) as where:
        client = http.client.HTTPConnection(*where, timeout=DEADLINE_SECONDS)
        for _ in range(4):
            client.request("GET", "/healthz")
            assert client.getresponse().read()
            own = client.sock
            time.sleep(0.25)
        assert client.sock is own, "more than a second on one connection"
        client.close()


def test_400_half_open_sockets_at_256_file_handles_leave_the_page_up(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        make_desk(store, questions=1).app.state.services.close()
    command = [sys.executable, "-c", SERVE_WITH_256_HANDLES, str(tmp_path / "prefloop.db")]
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server,
        ExitStack() as sockets,
    ):
        assert server.stdout is not None and server.stdin is not None
        address = server.stdout.readline().strip()
        host, port = address.removeprefix("http://").split(":")
        for _ in range(400):
            client = sockets.enter_context(socket.create_connection((host, int(port)), 30))
            client.sendall(HALF)
        assert [page(host, int(port)) for _ in range(5)] == [200] * 5
        sockets.close()
        server.stdin.close()
        assert server.wait(DEADLINE_SECONDS) == 0
