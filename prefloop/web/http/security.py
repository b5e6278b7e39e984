"""Checks on every request before routing, and headers of every response.

The middleware checks the host name, the origin, and the type and length of the body. Authorization
is in `sessions.py`.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prefloop.figures.text import count
from prefloop.web.config import REQUEST_BYTES, WebSettings
from prefloop.web.http.errors import ApiError, error_response, our_bug
from prefloop.web.http.templating import assets
from prefloop.web.http.unknown_address import UnknownAddresses
from prefloop.web.strings import refusal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

LOGIN = "/api/session"

READ_ONLY = refusal("request.read_only")

WRONG_HOST, FORGED = "wrong_host", "forged"
"""Codes of the refusals that a proxy causes which the settings do not name."""

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
"""No inline scripts and nothing from other hosts: a script in a model's text stays text."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityMiddleware:
    """The outermost middleware: refuses requests, limits bodies, and adds security headers."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings
        self._hosts = settings.hosts
        self._unknown = UnknownAddresses(settings)
        added = HEADERS | {"x-prefloop-assets": assets()}
        if settings.is_secure:
            added["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in added.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_answered = False

        async def protected(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            if message["type"] == "http.response.start":
                cache_control = (b"cache-control", _cache_control(scope).encode())
                message["headers"] = [*message.get("headers", ()), *self._headers, cache_control]
            await send(message)

        denied = refused(scope, self._settings, self._hosts)
        if denied is not None:
            if denied.code in (WRONG_HOST, FORGED):
                self._unknown.tell(Headers(scope=scope))
            response = error_response(
                Request(scope), denied.status_code, denied.code, denied.message
            )
            await response(scope, receive, protected)
            return
        try:
            await self._app(scope, _limited(receive), protected)
        except Exception as error:
            response = our_bug(Request(scope), error)
            if not is_answered:
                await response(scope, receive, protected)
            raise


def refused(scope: Scope, settings: WebSettings, hosts: frozenset[str] | None) -> ApiError | None:
    """Return why a request is refused before routing; None if it is not."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if hosts is not None and name not in hosts:
        return ApiError(400, WRONG_HOST, refusal("request.wrong_host", name=repr(name)))
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        # PostgreSQL refuses it in any text.
        return ApiError(400, "malformed", "An address holds no NUL character.")
    if scope["method"] in SAFE_METHODS:
        return None
    if not _is_own(headers, host, settings):
        return ApiError(403, FORGED, refusal("request.foreign"))
    if settings.is_read_only and scope["path"] != LOGIN:
        return ApiError(403, "read_only", READ_ONLY)
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > REQUEST_BYTES:
        return too_large()
    has_body = length != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if has_body and kind != "application/json":
        return ApiError(415, "not_json", "The server takes JSON: Content-Type: application/json.")
    return None


def _is_own(headers: Headers, host: str, settings: WebSettings) -> bool:
    """Whether an unsafe request comes from our own pages, or not from a browser."""
    origin = headers.get("origin")
    if origin is not None:
        # Anybody can send any text; `urlsplit` raises on some.
        scheme = origin.partition("://")[0]
        return scheme in ("http", "https") and origin == (settings.origin or f"{scheme}://{host}")
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def too_large() -> ApiError:
    """Return the error for a body that is too long."""
    message = refusal("request.too_large", bytes=count(REQUEST_BYTES))
    return ApiError(413, "too_large", message)


def _limited(receive: Receive) -> Receive:
    """Count the bytes received: `content-length` may be wrong or missing."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > REQUEST_BYTES:
            raise too_large()
        return message

    return counted


def _cache_control(scope: Scope) -> str:
    if not scope["path"].startswith("/static/"):
        return "no-store"
    has_content_hash = b"v=" in scope.get("query_string", b"")
    return "public, max-age=31536000, immutable" if has_content_hash else "no-cache"
