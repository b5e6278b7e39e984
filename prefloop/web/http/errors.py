"""Errors as responses: JSON for the API, a page elsewhere, never a traceback.

Every error of the API is `{"error": {"code", "message"}}`: a code for programs and a message for
people. For a bug of ours the client gets a number; the log has the places in the code under that
number, without values, which may be a person's text.
"""

import logging
import secrets
from urllib.parse import quote

import fastapi
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from prefloop.errors import ConflictError, DiskError, PrefloopError, StoreAwayError, StoreError
from prefloop.web.http.templating import page
from prefloop.web.services.tracebacks import error_places

log = logging.getLogger("prefloop.web")

CODES = {400: "malformed", 404: "unknown", 405: "method_not_allowed", 413: "too_large"}
MESSAGES = {
    400: "The request could not be read. Reload the page and try again.",
    404: "There is nothing at this address.",
    405: "This address does not take such requests.",
}

RETRY_SECONDS = 5


class ErrorDetail(BaseModel):
    """A code for programs and a message for people."""

    code: str
    message: str
    """The message."""


class ErrorBody(BaseModel):
    """The response to every refused request."""

    error: ErrorDetail


class ApiError(fastapi.HTTPException):
    """A request that is refused."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code


def handle_errors(app: FastAPI) -> None:
    """Register handlers that give every refusal this form; `our_bug` handles all other errors."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PrefloopError, _cannot)


def error_response(
    request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an error as JSON below /api, and as a page elsewhere."""
    if request.url.path.startswith("/api/"):
        content = {"error": {"code": code, "message": message}}
        return JSONResponse(content, status_code=status, headers=headers)
    if status == 401 and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    return page(request, "error.html.jinja", status=status, headers=headers, message=message)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", None) or CODES.get(error.status_code, "refused")
    is_ours = isinstance(error, ApiError)
    message = error.detail if is_ours else MESSAGES.get(error.status_code, "Refused.")
    headers = dict(error.headers) if error.headers else None
    return error_response(request, error.status_code, code, message, headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Without the value, which may be a note, or hold half of a surrogate pair.
    problems = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    message = "The request is not as it should be. " + "; ".join(problems[:5])
    return error_response(request, 422, "invalid", message.encode("utf-8", "replace").decode())


def _cannot(request: Request, error: Exception) -> Response:
    if isinstance(error, DiskError):
        log.error("the disk cannot be written: %s", error)
        request.app.state.services.disk.failed()
        message = (
            "The server's disk is full or cannot be written, so this was not saved. What was saved "
            "before is safe. Please tell the owner."
        )
        return error_response(request, 507, "disk_full", message)
    if isinstance(error, StoreAwayError):
        log.error("the store is away: %s", type(error.__cause__).__name__)
        message = (
            "The database cannot be reached at the moment, so this was not saved. What was saved "
            "before is safe. Please try again in a moment."
        )
        return error_response(
            request, 503, "store_away", message, {"Retry-After": str(RETRY_SECONDS)}
        )
    if isinstance(error, ConflictError):
        return error_response(request, 409, "conflict", str(error))
    if isinstance(error, StoreError) and error.__cause__ is not None:
        # The database refused our statement: a bug, whose details are not for the caller.
        return our_bug(request, error)
    return error_response(request, 422, "refused", str(error))


def our_bug(request: Request, error: Exception) -> Response:
    """Return the response to an unexpected error, and log where it arose."""
    number = secrets.token_hex(4)
    route = getattr(request.scope.get("route"), "path", "?")
    places = " <- ".join(error_places(error))
    log.error("error %s in %s %s: %s", number, request.method, route, places)
    message = f"Something went wrong on the server. It is in the log under {number}."
    return error_response(request, 500, "bug", message)
