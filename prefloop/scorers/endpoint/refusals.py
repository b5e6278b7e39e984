"""Responses that are no answers: whether to wait, and for how long."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx

PASSING = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Statuses after which the same request may succeed."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class RefusedRequest(NamedTuple):
    """Why a request was not answered."""

    why: str
    retry_after: float | None
    """Seconds that the endpoint asks to wait; None if it does not say."""
    is_passing: bool
    """Whether the same request may succeed later."""


def refusal_of(response: httpx.Response) -> RefusedRequest | None:
    """Return why a response is not an answer; None if it is one."""
    if response.is_success:
        return None
    text = " ".join(response.text.split())
    why = f"it answered {response.status_code} {response.reason_phrase}: {text}".rstrip(": ")
    if response.has_redirect_location:
        why += f" (to {response.headers['location']}; redirects are not followed)"
    after = retry_after(response.headers.get("retry-after"))
    return RefusedRequest(why, after, response.status_code in PASSING)


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header: a number, or a date (RFC 9110, 10.2.3).

    >>> retry_after("2"), retry_after(None), retry_after("soon")
    (2.0, None, None)
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def pause_seconds(n_failed: int) -> float:
    """Return the pause after that many failures of one request: it doubles, up to a minute.

    >>> pause_seconds(1), pause_seconds(3), pause_seconds(99)
    (1.0, 4.0, 60.0)
    """
    exponent = min(n_failed - 1, 10)
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**exponent))
