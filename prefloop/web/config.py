"""How the pages are served: where, to whom, and what labelers are asked beside the answer."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prefloop.teamwork import ClaimPolicy

REQUEST_BYTES = 1 << 20
"""The longest request body. A real answer has a few hundred bytes."""


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """What the server needs to know beside the store."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    run_name: str = "prefloop"
    """What the run is called at the head of every page."""
    origin: str | None = None
    """The address that people type, where a proxy stands before the server, such as
    `https://label.example.org`. None: the server's own."""
    certificate: Path | None = None
    """A TLS certificate, to serve HTTPS without a proxy; with its `key`."""
    key: Path | None = None
    claims: ClaimPolicy = ClaimPolicy()
    """What a labeler who asks for questions is given."""
    pass_accuracy: float = 0.75
    """Share of the training questions that a newcomer must get right to go on to the others."""
    asks_confidence: bool = False
    """Whether the page asks with every answer how sure the person is."""
    hourly_wage: float = 15.0
    """What an hour of labeling costs."""
    currency: str = "USD"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether cookies may only travel over TLS. On one's own machine there is no network."""
        if self.origin is not None:
            return urlsplit(self.origin).scheme == "https"
        return self.certificate is not None or not self.is_loopback

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names under which the server may be called; None: any.

        A stranger's page can point a name of its own at 127.0.0.1; it finds the door closed.
        """
        own = frozenset({"localhost", "127.0.0.1", "[::1]"})
        if self.origin is not None:
            return own | {_without_port(urlsplit(self.origin).netloc)}
        return own | {_without_port(self.host)} if self.is_loopback else None


def is_loopback(host: str) -> bool:
    """Say whether an address or a name means this very machine; a name that is unknown does not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else host
