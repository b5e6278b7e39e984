"""Reasons of an answer: those that the run offers are taken, from labelers and owners alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.settings.comparisons import MOST_REASON_CHARACTERS
from prefloop.web.http.errors import ApiError
from prefloop.web.strings import refusal


def require_known_reasons(details: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse reasons that the run does not have; their shape is the label type's to check."""
    given = details.get("reasons")
    unknown = [reason for reason in given if reason not in known] if isinstance(given, list) else []
    if unknown:
        reason = repr(str(unknown[0])[:MOST_REASON_CHARACTERS])
        message = refusal("answer.no_reasons", reason=reason)
        if known:
            message = refusal("answer.unknown_reason", reason=reason, offered=", ".join(known))
        raise ApiError(422, "refused", message)
