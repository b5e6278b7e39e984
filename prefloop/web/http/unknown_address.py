"""Report to the owner the address of requests that the server's settings do not name.

Behind a proxy or tunnel every page or login is refused until `comparisons.people.origin` names the
public address. The sentence goes to the log, which is the terminal of whoever serves the page.
"""

import logging
import re
import threading
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from prefloop.web.config import WebSettings, is_loopback

log = logging.getLogger("prefloop.web")

MOST_TOLD = 5
"""Addresses that one server reports at most: made-up ones cannot fill the log."""

HOST = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?")
ORIGIN = re.compile(rf"https?://{HOST.pattern}")


class UnknownAddresses:
    """Reports each unknown address once."""

    def __init__(self, settings: WebSettings) -> None:
        self._known = settings.origin
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def tell(self, headers: Headers) -> None:
        """Report the address of a refused request, if its headers name one."""
        address = public_address(headers)
        if address is None:
            return
        with self._lock:
            if address in self._told or len(self._told) >= MOST_TOLD:
                return
            self._told.add(address)
        now = f" It is {self._known} now." if self._known else ""
        log.warning(
            "Somebody came by %s; if that is your proxy, set comparisons.people.origin to it, and "
            "start again.%s If it is not, leave it: nothing was done.",
            address,
            now,
        )


def public_address(headers: Headers) -> str | None:
    """Return the address in a browser's headers; None unless it is a plain URL of a host.

    Anybody can send any header: no other text may reach the owner's terminal.
    """
    origin, shown = _origin(headers), _shown(headers)
    public = (address for address in (origin, shown) if address and not is_own_machine(address))
    # A proxy on this machine may be before the server, too; only an origin tells its port.
    return next(public, origin)


def _origin(headers: Headers) -> str | None:
    origin = headers.get("origin", "").lower()
    return origin if ORIGIN.fullmatch(origin) and _is_url(origin) else None


def _shown(headers: Headers) -> str | None:
    """Return the address that the host's name and the proxy's own headers make."""
    host = (headers.get("x-forwarded-host") or headers.get("host", "")).lower()
    if not HOST.fullmatch(host):
        return None
    scheme = headers.get("x-forwarded-proto", "").lower()
    # A tunnel, and a proxy that is worth its name, speaks TLS to the public.
    address = f"{scheme if scheme in ('http', 'https') else 'https'}://{host}"
    return address if _is_url(address) else None


def _is_url(address: str) -> bool:
    """Whether the address can be taken apart; numbers in brackets may be no address at all."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True


def is_own_machine(address: str) -> bool:
    """Whether an address is one of this machine's loopback; what is no address is not."""
    return _is_url(address) and is_loopback(urlsplit(address).hostname or "")
