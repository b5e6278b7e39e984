"""Requests to an endpoint that is slow, limits requests or goes away at times.

A request that the endpoint refuses for the moment (429, 5xx, a timeout, a connection that fails) is
sent again after `Retry-After`, or after a pause that doubles each time, for `patience_seconds`.
While one waits, all wait: an endpoint that limits one request limits the others too.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import httpx

from prefloop.errors import InputError
from prefloop.scorers.endpoint.refusals import RefusedRequest, pause_seconds, refusal_of
from prefloop.scorers.endpoint.settings import EndpointConfig

SHOWN_CHARACTERS = 200
HIDDEN = "[key]"

log = logging.getLogger("prefloop.endpoint")


class Connection:
    """Sends requests to one endpoint, and keeps its key out of every message."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._key = key_from_environment(config)
        self._pause_until = 0.0

    @property
    def name(self) -> str:
        """What messages call the model."""
        return f"model {self._config.model!r} at {self._config.base_url}"

    def client(self) -> httpx.AsyncClient:
        """Return a client to send requests with; close it afterwards."""
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        limits = httpx.Limits(max_connections=self._config.concurrency)
        # The whole of a request has a limit instead of each of its steps.
        return httpx.AsyncClient(headers=headers, timeout=None, limits=limits)

    async def request(
        self, client: httpx.AsyncClient, body: dict[str, Any], gives_up: Callable[[], bool]
    ) -> Any:
        """Return the JSON of the response (its text if it is none), waiting where that may help.

        InputError if the endpoint refuses, if `patience_seconds` are over, or if it fails once more
        when `gives_up()` is True.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._config.patience_seconds
        n_failed = 0
        while True:
            while (pause := self._pause_until - clock()) > 0:
                await asyncio.sleep(pause)
            outcome = await self._send(client, body)
            if not isinstance(outcome, RefusedRequest):
                return outcome
            n_failed += 1
            pause = outcome.retry_after or pause_seconds(n_failed)
            if not outcome.is_passing or clock() + pause > deadline or gives_up():
                raise InputError(self._gave_up(outcome))
            if clock() >= self._pause_until:
                log.warning("%s: %s; next try in %.0f s", self.name, outcome.why, pause)
            self._pause_until = max(self._pause_until, clock() + pause)

    def without_key(self, text: str) -> str:
        """Return a text from the endpoint without the key, should it repeat it."""
        return text if self._key is None else text.replace(self._key, HIDDEN)

    def shown(self, text: str) -> str:
        """Return a text from the endpoint for messages: without the key, and cut to a length."""
        text = self.without_key(text)
        return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."

    async def _send(self, client: httpx.AsyncClient, body: dict[str, Any]) -> Any:
        """Return the JSON or text of one response, or why there is none."""
        seconds = self._config.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                url = f"{self._config.base_url}/chat/completions"
                response = await client.post(url, json=body)
        except TimeoutError:
            return RefusedRequest(
                f"it gave no answer within timeout_seconds {seconds:g}", None, True
            )
        except httpx.RequestError as error:
            why = f"the connection failed ({type(error).__name__}: {error})"
            return RefusedRequest(self.shown(why), None, True)
        if (refusal := refusal_of(response)) is not None:
            return refusal._replace(why=self.shown(refusal.why))
        try:
            return response.json()
        except ValueError:
            return response.text

    def _gave_up(self, refusal: RefusedRequest) -> str:
        if refusal.is_passing:
            limit = f"patience_seconds {self._config.patience_seconds:g}"
            asks = f" and asks to wait {refusal.retry_after:.0f} s" if refusal.retry_after else ""
            return (
                f"{self.name}: {refusal.why}{asks}, and {limit} are over. Answers that came are "
                "kept: run the same command again later."
            )
        variable = self._config.key_variable
        key = "no key was sent (key_variable is null)" if variable is None else f"${variable}"
        return (
            f"{self.name}: {refusal.why}. Check base_url, model, options and the key: {key}. "
            "Answers that came are kept."
        )


def key_from_environment(config: EndpointConfig) -> str | None:
    """Return the endpoint's key; None if it needs none, InputError if the variable is not set."""
    if config.key_variable is None:
        return None
    key = os.environ.get(config.key_variable, "").strip()
    if not key:
        raise InputError(
            f"the environment variable {config.key_variable} (key_variable) is not set. Set it to "
            f"the key of {config.base_url}, or write key_variable: null if it needs none."
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InputError(
            f"the environment variable {config.key_variable} (key_variable) holds a character "
            "that no key has, such as a space or a line break. Set it again."
        )
    return key
