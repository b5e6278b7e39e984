"""A labeler who is a program: logs in, asks for questions, answers, and repeats until heard.

Plain HTTP/1.1 over one connection that is kept open, so that what is measured is the server. It
keeps an answer until the server has said that it is stored, as the labeling page does.
"""

import asyncio
import json
import random
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

AGAIN_SECONDS = 0.1
"""Before what was not heard is said again."""

PATIENCE_SECONDS = 60.0
"""How long a server may be away."""


class RefusedError(Exception):
    """The server answered, and not with what was hoped for."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Connection:
    """One connection to the server, opened again when it breaks."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.headers: dict[str, str] = {}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of one request; an OSError if the server cannot be reached."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if body is not None:
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(content)}")
        request = "\r\n".join([*lines, "", ""]).encode() + content
        is_old = self._streams is not None
        try:
            return await self._exchange(request)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.aclose()
            if is_old:
                # Servers hang up after a few idle seconds; browsers then dial again, too.
                return await self.request(method, path, body)
            raise OSError(f"the server cannot be reached: {error}") from error

    async def _exchange(self, request: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        self._streams[1].write(request)
        return await self._response(self._streams[0])

    async def _response(self, reader: asyncio.StreamReader) -> tuple[int, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = [line.partition(": ")[::2] for line in head[1:] if line]
        length = 0
        for name, value in headers:
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "set-cookie":
                self.headers["Cookie"] = value.split(";")[0]
        content = await reader.readexactly(length)
        return status, json.loads(content) if content else None

    async def aclose(self) -> None:
        """Hang up."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with suppress(OSError):
                await streams[1].wait_closed()


@dataclass
class Heard:
    """What the server has confirmed, and how long that took."""

    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answer id -> body, of every answer that the server said is stored."""
    answer_seconds: list[float] = field(default_factory=list)
    claim_seconds: list[float] = field(default_factory=list)
    n_repeats: int = 0
    """Requests that had to be made again."""
    refusals: list[str] = field(default_factory=list)
    keeps_bodies: bool = True
    """Whether `saved` holds what was sent, too."""


class Labeler:
    """One person's browser, without the person."""

    def __init__(self, address: str, heard: Heard, seed: int) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.connection = Connection(host, int(port))
        self.heard = heard
        self.luck = random.Random(seed)
        self.instructions = ""

    async def enter(self, code: str) -> None:
        """Log in with a code, and read the instructions."""
        entered = await self.insist("POST", "/api/session", {"code": code})
        self.connection.headers["X-CSRF-Token"] = entered["csrf"]
        await self.read()

    async def show_token(self, token: str) -> None:
        """Log in as a program, and read the instructions."""
        self.connection.headers["Authorization"] = f"Bearer {token}"
        await self.read()

    async def read(self) -> None:
        """Read the instructions."""
        me = await self.insist("GET", "/api/me")
        self.instructions = me["instructions"]["version"]
        await self.insist("POST", "/api/me/instructions", {"version": self.instructions})

    async def insist(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a request, made again and again while the server is away."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                status, found = await self.connection.request(method, path, body)
            except OSError:
                status, found = 503, "the server cannot be reached"
            if status < 400:
                return found
            if status not in (503, 507) or loop.time() > ends:
                raise RefusedError(status, found)
            self.heard.n_repeats += 1
            await asyncio.sleep(self.luck.uniform(0.5, 1.5) * AGAIN_SECONDS)

    async def claim(self, n: int = 1) -> list[dict[str, Any]]:
        """Return the next questions; none if nothing is left."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        found = await self.insist("POST", "/api/claims", {"n": n})
        assignments: list[dict[str, Any]] = found["assignments"]
        self.heard.claim_seconds.append(loop.time() - started)
        return assignments

    async def answer(self, question: dict[str, Any], name: str = "") -> str:
        """Answer a question; when this returns, the server has said that it is stored."""
        name = name or str(uuid.UUID(int=self.luck.getrandbits(128), version=4))
        body = self.body(question)
        loop = asyncio.get_running_loop()
        started = loop.time()
        saved = await self.insist("PUT", f"/api/answers/{name}", body)
        self.heard.answer_seconds.append(loop.time() - started)
        assert saved["outcome"] in ("stored", "same", "late"), saved
        self.heard.saved[name] = body if self.heard.keeps_bodies else {}
        return name

    def body(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return an answer as the page sends it."""
        shown = [sample["id"] for sample in question["samples"]]
        is_tie = self.luck.random() < 0.1
        return {
            "assignment_id": question["assignment_id"],
            "answer": "tie" if is_tie else "best",
            "chosen": None if is_tie else self.luck.choice(shown),
            "shown": shown,
            "seconds": round(self.luck.uniform(2, 60), 3),
            "active_seconds": 2.0,
            "first_key_seconds": 0.7,
            "device": "program",
            "instructions": self.instructions,
        }
