"""Logging in and out."""

import logging
import math
import threading
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from prefloop.teamwork import Session
from prefloop.web.config import is_loopback
from prefloop.web.http.errors import ApiError
from prefloop.web.http.sessions import Browser, clear_cookie, cookie_name, set_cookie
from prefloop.web.labeling.messages import Entered, Known, Login, refusals
from prefloop.web.services.services import Here, Services

log = logging.getLogger("prefloop.web")

router = APIRouter(tags=["session"])

_HASHING = threading.BoundedSemaphore(2)
# Each password that is tried takes 19 MiB for a moment; many at once must not fill the memory.


@router.post("/api/session", responses=refusals(401, 403, 429))
def enter(request: Request, response: Response, body: Login, here: Here) -> Entered:
    """Log in with a code, which is used up, or with a name and a password.

    Wrong, used and expired codes, unknown names and wrong passwords are answered alike.
    """
    _require_tls(request, here)
    address = request.client.host if request.client else "?"
    name = body.name or ""
    wait = here.logins.take(address, name)
    if wait is not None:
        log.warning("too many logins from %s", address)
        told = f"Too many attempts. Please wait {math.ceil(wait)} seconds, then try again."
        raise ApiError(429, "too_many", told, {"Retry-After": str(math.ceil(wait))})
    entered = _look_up(body, here)
    if entered is None:
        log.warning("login refused from %s", address)
        told = "That did not fit, or the code was used already or has expired."
        raise ApiError(401, "wrong", f"{told} Ask the owner for a new code if you need one.")
    here.logins.give_back(address, name)
    secret, session = entered
    _end(request.cookies.get(cookie_name(here.settings)), here)
    set_cookie(response, secret, here.settings)
    person = session.person
    return Entered(person=Known(name=person.name, role=person.role), csrf=session.csrf)


@router.delete("/api/session", status_code=204, responses=refusals(401, 403))
def leave(response: Response, caller: Browser, here: Here) -> None:
    """Log out: the session ends on the server too."""
    _end(caller.secret, here)
    clear_cookie(response, here.settings)


def _look_up(body: Login, here: Services) -> tuple[str, Session] | None:
    if body.code is not None:
        return here.store.access.log_in_with_code(body.code)
    with _HASHING:
        return here.store.access.log_in_with_password(body.name or "", body.password or "")


def _end(secret: str | None, here: Services) -> None:
    if secret:
        here.store.access.log_out(secret)
        here.callers.forget(secret)


def _require_tls(request: Request, here: Services) -> None:
    """Refuse a login whose cookie the browser would throw away, before a code is used up."""
    origin = urlsplit(request.headers.get("origin", ""))
    is_plain = origin.scheme == "http" and not is_loopback(origin.hostname or "")
    if here.settings.is_secure and is_plain:
        raise ApiError(
            403,
            "needs_tls",
            "This page was opened without encryption (http://), so nobody can log in here. "
            "Ask the owner for the address that begins with https://.",
        )
