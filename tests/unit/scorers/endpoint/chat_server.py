"""A chat endpoint on the loopback address that misbehaves as a test wants it to."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 100, "completion_tokens": 2}


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0
    """The server is silent for this long first."""
    is_dropped: bool = False
    """The connection is closed without a response."""
    drips: bool = False
    """A byte comes now and then, for ever."""


def says(text: str | None, **more: Any) -> Reply:
    """Return a proper chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    completion = {"object": "chat.completion", "choices": [choice], "usage": USAGE}
    return Reply(body=json.dumps(completion | more))


@dataclass
class ChatServer:
    """The server, what it was asked, and what it does."""

    behave: Callable[[str, int], Reply]
    """From a question, and how often it was asked before, to what happens."""
    asked: list[str] = field(default_factory=list)
    """Every question that came, in order."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0

    def take(self, body: dict[str, Any], key: str | None) -> Reply:
        """Note a request and return what happens."""
        question = body["messages"][-1]["content"]
        with self._lock:
            n_before = self.asked.count(question)
            self.asked.append(question)
            self.bodies.append(body)
            self.keys.append(key)
            self.times.append(time.monotonic())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        return self.behave(question, n_before)

    def done(self) -> None:
        """Note that a request is over."""
        with self._lock:
            self._now -= 1


@contextmanager
def serving(behave: Callable[[str, int], Reply]) -> Iterator[ChatServer]:
    """Serve while the block runs."""
    chat = ChatServer(behave)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = chat.take(body, self.headers.get("Authorization"))
            try:
                assert self.path == "/v1/chat/completions"
                self._give(reply)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # The client lost its patience.
            finally:
                chat.done()

        def _give(self, reply: Reply) -> None:
            time.sleep(reply.after_seconds)
            if reply.is_dropped:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.drips:
                self.send_header("Content-Length", "1000")
                self.end_headers()
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
                return
            data = reply.body.encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
