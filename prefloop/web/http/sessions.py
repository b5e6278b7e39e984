"""What callers may do. Nobody may do anything unless a route says so.

A browser shows its cookie, and with everything that changes something the token against forgery
too. A program shows a bearer token, and may label, nothing else.
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

log = logging.getLogger("prefloop.web")

CALLER = "prefloop.caller"
"""Where a request keeps who sent it."""

COOKIE_SECONDS = 30 * 24 * 3600
"""How long a browser keeps the cookie. The store ends a session that nobody uses earlier."""


def cookie_name(settings: WebSettings) -> str:
    """Return the cookie's name; `__Host-` makes browsers refuse one set by a neighboring host."""
    return "__Host-prefloop_session" if settings.is_secure else "prefloop_session"


def set_cookie(response: Response, secret: str, settings: WebSettings) -> None:
    """Give the browser the secret: out of reach of scripts, and never sent by other sites."""
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
    """Let the browser forget the secret."""
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


async def _caller(request: Request) -> Caller:
    """Return who is calling; refuse strangers, ended sessions and forgeries."""
    here: Services = request.app.state.parts
    shown = request.headers.get("authorization")
    if shown is not None:
        scheme, _, secret = shown.partition(" ")
        program = await here.callers.by_token(secret) if scheme.lower() == "bearer" else None
        if program is None:
            raise ApiError(401, "unknown_token", "This token is not valid, or was revoked.")
        return program
    secret = request.cookies.get(cookie_name(here.settings), "")
    if not secret:
        raise ApiError(401, "login_needed", "Please log in.")
    caller = await here.callers.by_cookie(secret)
    if caller is None:
        raise ApiError(401, "session_ended", "Your session has ended. Please log in again.")
    if request.method not in SAFE_METHODS and not _is_genuine(request, caller):
        log.warning("forged %s %s for %s", request.method, _route(request), caller.person.id)
        raise ApiError(
            403, "forged", "This page is out of date or not ours. Reload it and try again."
        )
    return caller


def _is_genuine(request: Request, caller: Caller) -> bool:
    token = request.headers.get("x-csrf-token", "")
    return hmac.compare_digest(token.encode(), (caller.csrf or "").encode())


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", request.url.path))


Gate = Callable[[Request], Awaitable[Caller]]


def allow(*roles: Role, programs: bool = False) -> Gate:
    """Return a gate for a route: it lets in callers of these roles, and programs if told."""

    async def gate(request: Request) -> Caller:
        # A part's gate and its route's own ask once together. No chain of dependencies: the
        # framework would walk it for every answer.
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            caller = request.scope[CALLER] = await _caller(request)
        if caller.role in roles and (programs or not caller.is_program):
            return caller
        log.warning("%s %s refused to %s", request.method, _route(request), caller.person.id)
        who = "a program's token" if caller.is_program else f"a {caller.role}"
        raise ApiError(403, "not_allowed", f"This is not open to {who}.")

    return gate


owners = allow("owner")
watchers = allow("owner", "viewer")
workers = allow("owner", "labeler", programs=True)
everybody = allow("owner", "viewer", "labeler", programs=True)

Owner = Annotated[Caller, Depends(owners)]
Watcher = Annotated[Caller, Depends(watchers)]
Labeler = Annotated[Caller, Depends(allow("owner", "labeler"))]
"""Somebody who labels, in a browser. Owners may label too."""
Worker = Annotated[Caller, Depends(workers)]
"""Somebody or something that labels."""
Browser = Annotated[Caller, Depends(allow("owner", "viewer", "labeler"))]
"""Anybody who is logged in."""
Anybody = Annotated[Caller, Depends(everybody)]
