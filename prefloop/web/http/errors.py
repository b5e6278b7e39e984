"""What went wrong, as an answer: JSON for programs, a page for people, never a traceback.

Every error of the interface is `{"error": {"code", "told"}}`: a word for programs and a sentence
for people. Of our own bugs the client gets an id and the log the places in the code, not the values
in them: those may be somebody's text.
"""

import logging
import secrets
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from urllib.parse import quote

import fastapi
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from prefloop.errors import DiskError, PrefloopError, StoreAwayError, StoreError
from prefloop.web.http.templating import page

log = logging.getLogger("prefloop.web")

CODES = {400: "malformed", 404: "unknown", 405: "method_not_allowed", 413: "too_large"}
TOLD = {
    400: "The request could not be read. Reload the page and try again.",
    404: "There is nothing at this address.",
    405: "This address does not take such requests.",
}

RETRY_SECONDS = 5


class ErrorDetail(BaseModel):
    """A word for programs and a sentence for people."""

    code: str
    told: str


class ErrorBody(BaseModel):
    """What every refused request is answered with."""

    error: ErrorDetail


class ApiError(fastapi.HTTPException):
    """A request that is refused."""

    def __init__(
        self, status: int, code: str, told: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, told, headers)
        self.code = code


def handle_errors(app: FastAPI) -> None:
    """Make the app answer every refusal in the one form; `our_bug` is for what nobody foresaw."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PrefloopError, _cannot)


def answer(
    request: Request, status: int, code: str, told: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an error as JSON below /api, and as a page elsewhere."""
    if request.url.path.startswith("/api/"):
        content = {"error": {"code": code, "told": told}}
        return JSONResponse(content, status_code=status, headers=headers)
    if status == 401 and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    return page(request, "error.html.jinja", status=status, headers=headers, told=told)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", None) or CODES.get(error.status_code, "refused")
    told = error.detail if isinstance(error, ApiError) else TOLD.get(error.status_code, "Refused.")
    headers = dict(error.headers) if error.headers else None
    return answer(request, error.status_code, code, told, headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Without the value: it may hold half of a character, or all of a note.
    problems = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    told = "The request is not as it should be. " + "; ".join(problems[:5])
    return answer(request, 422, "invalid", told.encode("utf-8", "replace").decode())


def _cannot(request: Request, error: Exception) -> Response:
    if isinstance(error, DiskError):
        log.error("the disk cannot be written: %s", error)
        told = (
            "The server's disk is full or cannot be written, so this was not saved. What was saved "
            "before is safe. Please tell the owner."
        )
        return answer(request, 507, "disk_full", told)
    if isinstance(error, StoreAwayError):
        log.error("the store is away: %s", type(error.__cause__).__name__)
        told = (
            "The database cannot be reached at the moment, so this was not saved. What was saved "
            "before is safe. Please try again in a moment."
        )
        return answer(request, 503, "store_away", told, {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, StoreError) and error.__cause__ is not None:
        # The database refused what we sent it: not the caller's doing, nor for their eyes.
        return our_bug(request, error)
    return answer(request, 422, "refused", str(error))


def our_bug(request: Request, error: Exception) -> Response:
    """Return what is said of an error that is nobody's doing but ours; log where it arose."""
    number = secrets.token_hex(4)
    route = getattr(request.scope.get("route"), "path", "?")
    log.error("error %s in %s %s: %s", number, request.method, route, " <- ".join(places(error)))
    told = f"Something went wrong on the server. It is in the log under {number}."
    return answer(request, 500, "bug", told)


def places(error: BaseException) -> Iterator[str]:
    """Yield the kinds of an error and its causes with where they arose, and no values."""
    cause: BaseException | None = error
    while cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)[-6:]
        at = ", ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
        yield f"{type(cause).__name__} at {at}"
        cause = cause.__cause__ or cause.__context__
