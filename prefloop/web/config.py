"""Settings of the web server: address, TLS, assignments, and the cost of labeling."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from prefloop.teamwork import ClaimPolicy
from prefloop.web.strings import InterfaceStrings, shipped_strings

REQUEST_BYTES = 1 << 20
"""The longest request body. A real answer has a few hundred bytes."""


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """Settings of the server, in addition to the store."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    run_name: str = "prefloop"
    """The name of the run at the head of every page."""
    origin: str | None = None
    """The public URL, where a proxy is in front of the server, such as `https://label.example.org`.
    None: the server's own."""
    certificate: Path | None = None
    """A TLS certificate, to serve HTTPS without a proxy; with its `key`."""
    key: Path | None = None
    claims: ClaimPolicy = ClaimPolicy()
    """Which assignments a labeler gets."""
    pass_accuracy: float = 0.75
    """Share of the training questions that a new labeler must get right to be qualified."""
    asks_strength: bool = False
    """Whether the page asks with every choice if the sample is slightly or clearly better."""
    reasons: tuple[str, ...] = ()
    """What labelers may give as reasons of a choice."""
    is_read_only: bool = False
    """Whether the run lies where nothing can be written: what is sent is refused, and the store is
    a copy that holds logins alone."""
    renders_markdown: bool = False
    """Whether prompts and samples come as rendered Markdown too."""
    strings: InterfaceStrings = field(default_factory=shipped_strings)
    """What the pages say."""
    hourly_wage: float = 15.0
    """The cost of an hour of labeling."""
    currency: str = "USD"

    @property
    def owners_strings(self) -> InterfaceStrings:
        """What the pages of owners say, and the API of those pages."""
        return self.strings.owners or self.strings

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether cookies are sent over TLS only. A server on this machine needs none."""
        if self.origin is not None:
            return urlsplit(self.origin).scheme == "https"
        return self.certificate is not None or not self.is_loopback

    @property
    def hosts(self) -> frozenset[str] | None:
        """The host names that requests may have; None: any.

        This refuses DNS rebinding: a page of a stranger whose host name resolves to 127.0.0.1.
        """
        own = frozenset({"localhost", "127.0.0.1", "[::1]"})
        if self.origin is not None:
            return own | {_without_port(urlsplit(self.origin).netloc)}
        return own | {_without_port(self.host)} if self.is_loopback else None


def is_loopback(host: str) -> bool:
    """Whether an address or host name is this machine's loopback; an unknown name is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else host
