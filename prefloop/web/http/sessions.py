"""Authentication and authorization: every route names the roles that it is open to.

A browser sends its cookie, and with unsafe methods a CSRF token. A program sends a bearer token; it
may label, nothing else.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from prefloop.teamwork import Role
from prefloop.web.config import WebSettings
from prefloop.web.http.errors import ApiError
from prefloop.web.http.security import SAFE_METHODS
from prefloop.web.services.callers import Caller
from prefloop.web.services.services import Services
from prefloop.web.strings import refusal

log = logging.getLogger("prefloop.web")

CALLER = "prefloop.caller"
"""Key under which the scope of a request caches its caller."""

COOKIE_SECONDS = 30 * 24 * 3600
"""Lifetime of the cookie. The store ends an unused session earlier."""


def cookie_name(settings: WebSettings) -> str:
    """Return the cookie's name; with `__Host-` browsers refuse one set by another subdomain."""
    return "__Host-prefloop_session" if settings.is_secure else "prefloop_session"


def set_cookie(response: Response, secret: str, settings: WebSettings) -> None:
    """Set the cookie: unreadable for scripts, never sent with requests from other sites."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=COOKIE_SECONDS,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, settings: WebSettings) -> None:
    """Delete the cookie."""
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


async def _caller(request: Request) -> Caller:
    """Return the caller; an ApiError without a valid session or token, or for a forged request."""
    services: Services = request.app.state.services
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        program = await services.callers.by_token(secret) if scheme.lower() == "bearer" else None
        if program is None:
            raise ApiError(401, "unknown_token", "This token is not valid, or was revoked.")
        return program
    secret = request.cookies.get(cookie_name(services.settings), "")
    if not secret:
        raise ApiError(401, "login_needed", refusal("login.needed"))
    caller = await services.callers.by_cookie(secret)
    if caller is None:
        raise ApiError(401, "session_ended", refusal("login.ended"))
    if request.method not in SAFE_METHODS and not _is_genuine(request, caller):
        log.warning("forged %s %s for %s", request.method, _route(request), caller.person.id)
        raise ApiError(403, "forged", refusal("request.out_of_date"))
    return caller


def _is_genuine(request: Request, caller: Caller) -> bool:
    token = request.headers.get("x-csrf-token", "")
    return hmac.compare_digest(token.encode(), (caller.csrf or "").encode())


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", request.url.path))


RoleDependency = Callable[[Request], Awaitable[Caller]]


def require_role(*roles: Role, programs: bool = False) -> RoleDependency:
    """Return a dependency that admits callers of these roles; programs only with `programs`."""

    async def caller_with_role(request: Request) -> Caller:
        # The dependencies of a router and of its route share one look-up. They are no chain of
        # dependencies: FastAPI would resolve it on every request.
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            caller = request.scope[CALLER] = await _caller(request)
        if caller.role in roles and (programs or not caller.is_program):
            return caller
        log.warning("%s %s refused to %s", request.method, _route(request), caller.person.id)
        if caller.is_program:
            raise ApiError(403, "not_allowed", "This is not open to a program's token.")
        raise ApiError(403, "not_allowed", refusal("login.not_open", role=caller.role))

    return caller_with_role


require_owner = require_role("owner")
require_viewer = require_role("owner", "viewer")
require_labeler = require_role("owner", "labeler", programs=True)
require_login = require_role("owner", "viewer", "labeler", programs=True)

OwnerCaller = Annotated[Caller, Depends(require_owner)]
ViewerCaller = Annotated[Caller, Depends(require_viewer)]
"""A viewer or an owner."""
LabelerCaller = Annotated[Caller, Depends(require_labeler)]
"""A labeler or an owner, in a browser or by a program."""
LabelerBrowser = Annotated[Caller, Depends(require_role("owner", "labeler"))]
"""A labeler or an owner, in a browser."""
BrowserCaller = Annotated[Caller, Depends(require_role("owner", "viewer", "labeler"))]
"""Anybody who is logged in with a browser."""
AnyCaller = Annotated[Caller, Depends(require_login)]
