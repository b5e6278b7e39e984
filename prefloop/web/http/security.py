"""What holds for every request before a route sees it, and for every answer.

The door looks at the host name, where the request comes from, what kind of body it has and how long
it is. Who may do what is in `sessions.py`.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prefloop.figures.text import count
from prefloop.web.config import REQUEST_BYTES, WebSettings
from prefloop.web.http.errors import ApiError, answer, our_bug
from prefloop.web.http.templating import assets

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
"""Nothing inline and nothing from elsewhere: a script in a model's text stays a text."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityMiddleware:
    """The outermost layer of the app: it refuses, limits, and adds the headers that protect."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings
        self._hosts = settings.hosts
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
                keeping = (b"cache-control", _keeping(scope).encode())
                message["headers"] = [*message.get("headers", ()), *self._headers, keeping]
            await send(message)

        refusal = refused(scope, self._settings, self._hosts)
        if refusal is not None:
            response = answer(Request(scope), refusal.status_code, refusal.code, refusal.detail)
            await response(scope, receive, protected)
            return
        try:
            await self._app(scope, _limited(receive), protected)
        except Exception as error:
            told = our_bug(Request(scope), error)
            if not is_answered:
                await told(scope, receive, protected)
            raise


def refused(scope: Scope, settings: WebSettings, hosts: frozenset[str] | None) -> ApiError | None:
    """Return why a request is not even looked at; None if it may pass."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if hosts is not None and name not in hosts:
        return ApiError(400, "wrong_host", f"This server does not answer to the name {name!r}.")
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        # PostgreSQL refuses it in any text, and no name of ours holds it.
        return ApiError(400, "malformed", "An address holds no NUL character.")
    if scope["method"] in SAFE_METHODS:
        return None
    if not _is_own(headers, host, settings):
        return ApiError(403, "forged", "This request came from another site. Nothing was done.")
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > REQUEST_BYTES:
        return too_large()
    has_body = length != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if has_body and kind != "application/json":
        return ApiError(415, "not_json", "The server takes JSON: Content-Type: application/json.")
    return None


def _is_own(headers: Headers, host: str, settings: WebSettings) -> bool:
    """Whether an unsafe request comes from our own pages, or from no browser at all."""
    origin = headers.get("origin")
    if origin is not None:
        expected = settings.origin or f"{urlsplit(origin).scheme}://{host}"
        return origin == expected and urlsplit(origin).scheme in ("http", "https")
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def too_large() -> ApiError:
    """Return the refusal of a body that is too long."""
    told = f"The request is too long: at most {count(REQUEST_BYTES)} bytes are taken."
    return ApiError(413, "too_large", told)


def _limited(receive: Receive) -> Receive:
    """Count what comes in: a client may send more than it announced, or announce nothing."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > REQUEST_BYTES:
            raise too_large()
        return message

    return counted


def _keeping(scope: Scope) -> str:
    if not scope["path"].startswith("/static/"):
        return "no-store"
    is_named_by_content = b"v=" in scope.get("query_string", b"")
    return "public, max-age=31536000, immutable" if is_named_by_content else "no-cache"
