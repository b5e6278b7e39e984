"""Logging in and out."""

import logging
import math
import threading

from fastapi import APIRouter, Request, Response

from prefloop.teamwork import Session
from prefloop.web.http.errors import ApiError
from prefloop.web.http.messages import Login, LoginOut, WhoOut, refusals
from prefloop.web.http.sessions import BrowserCaller, clear_cookie, cookie_name, set_cookie
from prefloop.web.http.unknown_address import is_own_machine
from prefloop.web.services.services import Services, ServicesDep
from prefloop.web.strings import refusal

log = logging.getLogger("prefloop.web")

router = APIRouter(tags=["session"])

_HASHING = threading.BoundedSemaphore(2)
# Each password check takes 19 MiB; concurrent ones must not fill the memory.


@router.post("/api/session", responses=refusals(401, 403, 429))
def enter(request: Request, response: Response, body: Login, services: ServicesDep) -> LoginOut:
    """Log in with a code, which works once, or with a name and a password.

    Wrong, used and expired codes, unknown names and wrong passwords give the same response.
    """
    _require_tls(request, services)
    address = request.client.host if request.client else "?"
    found = (
        _by_code(body.code, services) if body.code is not None else _guess(address, body, services)
    )
    if found is None:
        log.warning("login refused from %s", address)
        raise ApiError(401, "wrong", refusal("login.wrong"))
    secret, session = found
    _end(request.cookies.get(cookie_name(services.settings)), services)
    set_cookie(response, secret, services.settings)
    person = session.person
    return LoginOut(person=WhoOut(name=person.name, role=person.role), csrf=session.csrf)


@router.delete("/api/session", status_code=204, responses=refusals(401, 403))
def leave(response: Response, caller: BrowserCaller, services: ServicesDep) -> None:
    """Log out: the session ends on the server too."""
    _end(caller.secret, services)
    clear_cookie(response, services.settings)


def _by_code(code: str, services: Services) -> tuple[str, Session] | None:
    # Not limited: nobody guesses 140 random bits, and a count would lock out others who log in from
    # the same address.
    return services.store.access.log_in_with_code(code)


def _guess(address: str, body: Login, services: Services) -> tuple[str, Session] | None:
    """Check name and password, unless there were too many tries."""
    name = body.name or ""
    wait = services.login_limits.take(address, name)
    if wait is not None:
        log.warning("too many logins from %s", address)
        seconds = str(math.ceil(wait))
        raise ApiError(429, "too_many", refusal("login.wait", n=seconds), {"Retry-After": seconds})
    with _HASHING:
        found = services.store.access.log_in_with_password(name, body.password or "")
    if found is not None:
        services.login_limits.succeed(address, name)
    return found


def _end(secret: str | None, services: Services) -> None:
    if secret:
        services.store.access.log_out(secret)
        services.callers.forget(secret)


def _require_tls(request: Request, services: Services) -> None:
    """Refuse a login whose cookie the browser would reject, before a code is used up."""
    origin = request.headers.get("origin", "")
    is_plain = origin.startswith("http://") and not is_own_machine(origin)
    if services.settings.is_secure and is_plain:
        raise ApiError(403, "needs_tls", refusal("login.needs_tls"))
