"""The settings of a language model behind an OpenAI-compatible endpoint."""

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from prefloop.settings.section import Count, NonNegative, Positive, Section

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
VERSION = re.compile(r"[-@:](latest|\d{4}-\d\d-\d\d|\d{8})$")
"""How providers mark a version of one model: `-2024-08-06`, `:latest`."""
SECRET_NAME = re.compile(r"api[-_]?key|secret|password|authorization|access[-_]?token", re.I)
"""Names under which a request carries a secret."""
SECRET = re.compile(r"\b(?:sk|pk|hf|gsk|xai)[-_][\w-]{16,}|\bbearer\s+\S{8,}", re.I)
"""What keys of well-known providers look like."""


def model_source(model: str) -> str:
    """Return what the names of one model have in common: no provider, no date, small letters.

    >>> model_source("gpt-4o"), model_source("openai/GPT-4o-2024-08-06")
    ('gpt-4o', 'gpt-4o')
    """
    return VERSION.sub("", model.strip().casefold().rpartition("/")[2])


class PriceConfig(Section):
    """What tokens cost, to report the money that was spent."""

    prompt: NonNegative | None = None
    """Price of a million prompt tokens; `null` is unknown."""

    completion: NonNegative | None = None
    """Price of a million completion tokens; `null` is unknown."""

    currency: str = "USD"
    """Currency of both."""


class EndpointConfig(Section):
    """A language model behind an OpenAI-compatible endpoint."""

    operational: ClassVar[frozenset[str]] = frozenset(
        [
            *("key_variable", "concurrency", "timeout_seconds", "patience_seconds", "attempts"),
            *("answers", "prices"),
        ]
    )

    base_url: str
    """Address of the endpoint, such as `http://127.0.0.1:8000/v1`; requests go to
    `/chat/completions` below it."""

    model: str
    """Name of the model, as the endpoint knows it. Without provider and date it is what the scores
    rest on (its source)."""

    key_variable: str | None = None
    """Environment variable that holds the endpoint's key, such as `OPENAI_API_KEY`; `null` sends
    none. The key itself never belongs in a run file."""

    system: str | None = None
    """System message before each question; `null` sends none."""

    temperature: NonNegative | None = 0.0
    """Sampling temperature; `null` leaves it to the endpoint."""

    max_tokens: Count | None = 64
    """Longest answer in tokens; `null` leaves it to the endpoint."""

    options: dict[str, Any] = Field(default_factory=dict)
    """More fields of the request, as the endpoint defines them: `{max_completion_tokens: 500}`."""

    concurrency: Count = 8
    """Requests under way at the same time."""

    timeout_seconds: Positive = 60.0
    """Longest wait for one answer; then it is asked for again."""

    patience_seconds: NonNegative = 600.0
    """How long one question is asked again while the endpoint is away, too slow or limits
    requests. After that the run stops; answers that came are kept."""

    attempts: Count = 3
    """How often a question is asked whose answer cannot be read."""

    answers: str | None = None
    """File that keeps the answers, so that no question is paid for twice; `null` is a file of this
    endpoint and model in `$PREFLOOP_CACHE` or `~/.cache/prefloop`."""

    prices: PriceConfig = Field(default_factory=PriceConfig)
    """What tokens cost."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        url = urlsplit(value.strip())
        if url.username or url.password or url.query or url.fragment:
            raise ValueError(
                "an address with a user, password, query or fragment may hold a key, and run "
                "files are copied into run folders; name an environment variable in key_variable "
                "instead"
            )
        # Reading the port raises a ValueError where it is none.
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
            raise ValueError(f"{value!r} is not an address such as http://127.0.0.1:8000/v1")
        return value.strip().rstrip("/").removesuffix("/chat/completions")

    @field_validator("options", "system")
    @classmethod
    def _holds_no_key(cls, value: Any) -> Any:
        if _secrets_in(value):
            # The key itself is not shown: this message may be copied too.
            raise ValueError(
                "holds what looks like a key, and run files are copied into run folders; name an "
                "environment variable in key_variable instead, and remove the key from the file"
            )
        return value

    @field_validator("key_variable")
    @classmethod
    def _is_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not VARIABLE.fullmatch(value):
            # What stands here may be the key itself, so it is not shown.
            raise ValueError(
                "must be the name of an environment variable, such as OPENAI_API_KEY (capitals, "
                "digits and _), never the key itself. If a key stands in the file, remove it"
            )
        return value


def _secrets_in(value: Any) -> bool:
    """Whether a text, or any name or text within a mapping or list, looks like a secret."""
    if isinstance(value, dict):
        return any(SECRET_NAME.search(str(n)) or _secrets_in(v) for n, v in value.items())
    if isinstance(value, list):
        return any(_secrets_in(item) for item in value)
    return isinstance(value, str) and SECRET.search(value) is not None
