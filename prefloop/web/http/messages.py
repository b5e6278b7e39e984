"""Shared by all parts of the API: strict request bodies, logging in, and refusals.

Names of fields in requests and responses are public: programs and open pages use them.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prefloop.teamwork import Role
from prefloop.text.printable import without_controls
from prefloop.web.http.errors import ErrorBody


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("text may not hold the character NUL")
    return text


Typed = Annotated[str, AfterValidator(_without_nul)]
"""Text as it was typed: a name or a secret that must match what is stored."""
Text = Annotated[Typed, AfterValidator(without_controls)]
"""Text to store and show. Control characters are replaced: it reaches terminals and files too."""
Id = Annotated[str, Field(pattern=r"^[\w.:/-]{1,200}$")]
"""The id of an assignment, sample or answer."""
Number = Annotated[int, Field(ge=0, lt=2**31)]
"""A whole number that fits into a database column: 32 bits in PostgreSQL."""
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class RequestBody(BaseModel):
    """A request body: these fields with these types, no other."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class Login(RequestBody):
    """A code, or a name and a password."""

    code: Typed | None = Field(default=None, max_length=200)
    name: Typed | None = Field(default=None, max_length=200)
    password: Typed | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = (self.code is not None, self.name is not None, self.password is not None)
        if given not in ((True, False, False), (False, True, True)):
            raise ValueError("give either a code, or a name and a password")
        return self


class WhoOut(BaseModel):
    """Who is logged in."""

    name: str
    role: Role


class LoginOut(BaseModel):
    """The answer to a login. The cookie comes in a header."""

    person: WhoOut
    csrf: str


class MessageOut(BaseModel):
    """A confirmation in words."""

    message: str


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the refusals that a route may answer with."""
    return {status: {"model": ErrorBody, "description": REFUSALS[status]} for status in statuses}


REFUSALS = {
    400: "The request cannot be read.",
    401: "Not logged in, or the session has ended, or the token is not valid.",
    403: "Not allowed, or the request did not come from our own page.",
    404: "There is no such thing, or it is somebody else's.",
    409: "It contradicts what is stored.",
    413: "The request is too long.",
    415: "The body is not JSON.",
    422: "A field is missing, unknown or not valid.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "A bug of the server; its log has the details under the number in the message.",
    503: "The database cannot be reached; `Retry-After` says when to try again.",
    507: "The disk is full or cannot be written. Nothing that was saved is lost.",
}

ALWAYS: Sequence[int] = (400, 413, 415, 422, 500, 503, 507)
"""Status codes that any route may return."""
