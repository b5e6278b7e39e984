"""Errors as responses: JSON for the API, a page elsewhere, never a traceback.

Every error of the API is `{"error": {"code", "message"}}`: a code for programs and an English
message for people. What labelers may read has a `key` and `values` besides: the sentence of the
part `refusals` of `strings.yaml`, which their pages say in their language. For a bug of ours the
client gets a number; the log has the places in the code under that number, without values, which
may be a person's text.
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
from prefloop.web.strings import RefusalText, refusal

log = logging.getLogger("prefloop.web")

CODES = {400: "malformed", 404: "unknown", 405: "method_not_allowed", 413: "too_large"}
SENTENCES = {
    400: refusal("request.malformed"),
    404: refusal("request.unknown"),
    405: refusal("request.method"),
}
REFUSED = refusal("request.refused")

RETRY_SECONDS = 5


class ErrorDetail(BaseModel):
    """A code for programs and a message for people."""

    code: str
    message: str
    """In English."""
    key: str | None = None
    """The name of the sentence under `refusals` in `web/strings.yaml`; absent where there is none:
    of what the store itself refuses, and of what only owners and programs can get."""
    values: dict[str, str] | None = None
    """What is put into the sentence; with `key`."""


class ErrorBody(BaseModel):
    """The response to every refused request."""

    error: ErrorDetail


class ApiError(fastapi.HTTPException):
    """A request that is refused."""

    def __init__(
        self,
        status: int,
        code: str,
        message: RefusalText | str,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, _english(message), headers)
        self.code = code
        self.message = message


def handle_errors(app: FastAPI) -> None:
    """Register handlers that give every refusal this form; `our_bug` handles all other errors."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PrefloopError, _cannot)


def error_response(
    request: Request,
    status: int,
    code: str,
    message: RefusalText | str,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return an error as JSON below /api, and as a page in the labelers' language elsewhere."""
    if request.url.path.startswith("/api/"):
        detail = ErrorDetail(code=code, message=_english(message))
        if isinstance(message, RefusalText):
            detail.key, detail.values = message.key, dict(message.values)
        content = ErrorBody(error=detail).model_dump(exclude_none=True)
        return JSONResponse(content, status_code=status, headers=headers)
    if status == 401 and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    if isinstance(message, RefusalText):
        message = request.app.state.settings.strings.tell(message)
    return page(request, "error.html.jinja", status=status, headers=headers, message=message)


def _english(message: RefusalText | str) -> str:
    return message.english if isinstance(message, RefusalText) else message


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", None) or CODES.get(error.status_code, "refused")
    if isinstance(error, ApiError):
        message = error.message
    else:
        message = SENTENCES.get(error.status_code, REFUSED)
    headers = dict(error.headers) if error.headers else None
    return error_response(request, error.status_code, code, message, headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Without the value, which may be a note, or hold half of a surrogate pair.
    problems = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    joined = "; ".join(problems[:5]).encode("utf-8", "replace").decode()
    return error_response(request, 422, "invalid", refusal("request.invalid", problems=joined))


def _cannot(request: Request, error: Exception) -> Response:
    if isinstance(error, DiskError):
        log.error("the disk cannot be written: %s", error)
        request.app.state.services.disk.failed()
        return error_response(request, 507, "disk_full", refusal("server.disk_full"))
    if isinstance(error, StoreAwayError):
        log.error("the store is away: %s", type(error.__cause__).__name__)
        retry = {"Retry-After": str(RETRY_SECONDS)}
        return error_response(request, 503, "store_away", refusal("server.store_away"), retry)
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
    return error_response(request, 500, "bug", refusal("server.bug", number=number))
