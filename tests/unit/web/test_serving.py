"""A real server on a real port."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from prefloop.errors import SettingsError
from prefloop.store.labeling.receipts import Receipt
from prefloop.teamwork import Submission
from prefloop.web.config import WebSettings
from prefloop.web.serving import (
    address,
    advice,
    listening,
    make_server,
    require_password,
)
from tests.unit.web.desk import (
    PASSWORD,
    Desk,
    answer_to,
    claim,
    make_desk,
    new_id,
    open_store,
)

DEADLINE_SECONDS = 30.0

MEASURE = """
import sys, threading, urllib.request
from pathlib import Path
from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from prefloop.web.serving import listening, make_server

def ready(address):
    with urllib.request.urlopen(address + "/login", timeout=30) as page:
        assert page.status == 200
    server.should_exit = True

with Store.open(Path(sys.argv[1])) as store:
    settings = WebSettings()
    with listening(settings) as door:
        server = make_server(
            store,
            settings,
            on_ready=lambda address: threading.Thread(target=ready, args=[address]).start(),
        )
        server.run(sockets=[door])
heavy = [name for name in ("torch", "transformers", "peft") if name in sys.modules]
status = Path("/proc/self/status").read_text()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
sys.stdout.write(f"{int(peak) / 1024:.0f} {' '.join(heavy)}")
"""


@contextmanager
def running(desk: Desk, settings: WebSettings) -> Iterator[str]:
    """A server in a thread, at an address."""
    told: list[str] = []
    with listening(settings) as door:
        server = make_server(desk.store, settings, on_ready=told.append)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            until(lambda: bool(told))
            yield told[0]
        finally:
            server.should_exit = True
            thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something, not forever."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


def connect(where: str) -> http.client.HTTPConnection:
    """Return a connection to an address."""
    return http.client.HTTPConnection(where.removeprefix("http://"), timeout=DEADLINE_SECONDS)


def test_a_server_serves_until_it_is_told_to_stop(desk: Desk) -> None:
    with running(desk, WebSettings()) as where:
        assert where.startswith("http://127.0.0.1:")
        client = connect(where)
        client.request("GET", "/healthz")
        answer = client.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"status": "up"})
        assert answer.getheader("server") is None
        client.close()
    with pytest.raises(ConnectionRefusedError):
        connect(where).connect()


def test_an_answer_on_its_way_when_the_server_stops_is_stored(desk: Desk) -> None:
    _, secret = desk.store.access.new_token(desk.people["ann"], "x")
    [question] = claim(desk.browser("ann"))
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    body = json.dumps(answer_to(question))
    submit = desk.store.answers.submit_within
    is_writing, may_write = threading.Event(), threading.Event()

    def slow(connection: Connection, submissions: Sequence[Submission]) -> list[Receipt]:
        is_writing.set()
        assert may_write.wait(DEADLINE_SECONDS)
        return submit(connection, submissions)

    desk.store.answers.submit_within = slow  # type: ignore[method-assign]
    outcomes = []

    def send(where: str) -> None:
        client = connect(where)
        client.request("PUT", f"/api/answers/{new_id()}", body, headers)
        outcomes.append(json.loads(client.getresponse().read())["outcome"])
        client.close()

    with running(desk, WebSettings()) as where:
        sender = threading.Thread(target=send, args=[where])
        sender.start()
        assert is_writing.wait(DEADLINE_SECONDS)
        threading.Timer(0.1, may_write.set).start()
    sender.join(DEADLINE_SECONDS)
    assert outcomes == ["stored"]
    assert len(desk.store.labels()) == 1


def test_without_being_told_only_this_machine_is_served(desk: Desk) -> None:
    with listening(WebSettings()) as door:
        assert door.getsockname()[0] == "127.0.0.1"
    require_password(desk.store, WebSettings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_the_network_is_served_only_when_an_owner_has_a_password(desk: Desk, host: str) -> None:
    settings = WebSettings(host=host)
    with pytest.raises(SettingsError, match="no owner has a password"):
        require_password(desk.store, settings)
    desk.store.people.set_password(desk.people["ann"], PASSWORD)
    with pytest.raises(SettingsError, match="no owner has a password"):
        require_password(desk.store, settings)
    desk.store.people.set_password(desk.people["olga"], PASSWORD)
    require_password(desk.store, settings)


def test_whoever_opens_the_door_to_a_network_is_told_of_tls(tmp_path: Path) -> None:
    assert advice(WebSettings()) is None
    assert "TLS" in (advice(WebSettings(host="0.0.0.0")) or "")
    assert advice(WebSettings(host="0.0.0.0", certificate=tmp_path, key=tmp_path)) is None
    assert advice(WebSettings(host="0.0.0.0", origin="https://label.example.org")) is None
    assert "TLS" in (advice(WebSettings(host="0.0.0.0", origin="http://plain.example.org")) or "")


def test_a_port_that_is_taken_is_named() -> None:
    with listening(WebSettings()) as door:
        port = door.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used"):
            listening(WebSettings(port=port))


def test_the_address_is_what_people_type(tmp_path: Path) -> None:
    assert address(WebSettings(), 80) == "http://127.0.0.1:80"
    assert address(WebSettings(host="::1"), 80) == "http://[::1]:80"
    assert address(WebSettings(origin="https://a.example"), 80) == "https://a.example"
    assert address(WebSettings(certificate=tmp_path), 80) == "https://127.0.0.1:80"
    assert address(WebSettings(host="0.0.0.0"), 80) == f"http://{socket.gethostname()}:80"


def test_headers_without_end_are_refused(desk: Desk) -> None:
    with running(desk, WebSettings()) as where:
        host, port = where.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), DEADLINE_SECONDS) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            sent, answer = 0, b""
            client.settimeout(0.01)
            while not answer and sent < 64 << 20:
                try:
                    client.sendall(b"X-Long: " + b"x" * 8000 + b"\r\n")
                    sent += 8000
                    answer = client.recv(100)
                except TimeoutError:
                    continue
                except OSError:
                    break
        assert sent < 1 << 20
        assert not answer or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("trickle", [b"1\r\nx\r\n", b"0\r\nX-Long: ", b"x" * 9000])
def test_a_body_or_a_tail_without_end_is_refused(desk: Desk, trickle: bytes) -> None:
    with running(desk, WebSettings()) as where:
        host, port = where.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), DEADLINE_SECONDS) as client:
            client.sendall(
                b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            sent = 0
            with suppress(OSError):
                while sent < 64 << 20:
                    client.sendall(trickle * 100)
                    sent += 100 * len(trickle)
            assert sent < 16 << 20


def test_the_server_needs_neither_torch_nor_much_memory(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        make_desk(store, questions=1).app.state.services.close()
    path = str(tmp_path / "prefloop.db")
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    mebibytes, *heavy = result.stdout.split()
    assert heavy == []
    assert 10 < int(mebibytes) < 400
