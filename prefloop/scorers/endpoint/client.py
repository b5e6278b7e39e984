"""Asks an endpoint many questions, several at a time and each only once.

A question whose answer is kept is not sent. An answer that cannot be read is asked for again, at
most `attempts` times. Each answer is written to a file as soon as it comes.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx

from prefloop.errors import InputError
from prefloop.figures.usage import EndpointUsage, UsageFigures
from prefloop.files import user_cache
from prefloop.run_paths import expanded
from prefloop.scorers.endpoint.answers import append_answer, read_answers
from prefloop.scorers.endpoint.connection import Connection
from prefloop.scorers.endpoint.settings import EndpointConfig
from prefloop.scorers.endpoint.usage import usage_figures, usage_of
from prefloop.scorers.fingerprint import digest

Reading = TypeVar("Reading")
Read = Callable[[str], Reading]
"""Turns an answer into what was asked for; a ValueError says what is wrong with the answer."""

RequestBodies = Mapping[str, dict[str, Any]]
"""Bodies of requests by the hash under which their answers are kept."""


class Endpoint:
    """A language model that answers questions over HTTP."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._connection = Connection(config)
        self._usage = EndpointUsage()

    def take_usage(self, name: str) -> UsageFigures | None:
        """Return what was used since this was asked last, under a name; None if nothing was."""
        usage, self._usage = self._usage, EndpointUsage()
        return usage_figures(name, self._config, usage)

    def ask(self, questions: Sequence[str], read: Read[Reading]) -> list[Reading]:
        """Return what `read` makes of the answer to each question, in order.

        InputError if the endpoint refuses, stays away longer than `patience_seconds`, or gives
        answers that cannot be read. Answers that came before are kept in any case.
        """
        requests = [self._request(question) for question in questions]
        missing = {key: body for key, body in requests if not self._is_known(key, read)}
        self._usage += EndpointUsage(reused=len(dict(requests)) - len(missing))
        if missing:
            _run(self._ask(missing, read))
        return [read(self._answers[key]) for key, _ in requests]

    @cached_property
    def _answers(self) -> dict[str, str]:
        """The answers so far, by the hash of their request."""
        return read_answers(self._file)

    @property
    def _file(self) -> Path:
        if self._config.answers is not None:
            return expanded(self._config.answers)
        name = digest(self._config.base_url, self._config.model)
        return user_cache() / "answers" / f"{name}.jsonl"

    def _is_known(self, key: str, read: Read[Reading]) -> bool:
        """Whether an answer is kept that can be read (the settings may have changed since)."""
        try:
            read(self._answers[key])
        except (KeyError, ValueError):
            return False
        return True

    def _request(self, question: str) -> tuple[str, dict[str, Any]]:
        """Return the hash and the body of the request that asks a question."""
        config = self._config
        messages = [{"role": "user", "content": question}]
        if config.system is not None:
            messages.insert(0, {"role": "system", "content": config.system})
        body: dict[str, Any] = {"model": config.model, "messages": messages}
        for name in ("temperature", "max_tokens"):
            if (value := getattr(config, name)) is not None:
                body[name] = value
        body |= config.options
        return digest(config.base_url, json.dumps(body, sort_keys=True)), body

    async def _ask(self, missing: RequestBodies, read: Read[Reading]) -> None:
        """Get the missing answers, `concurrency` at a time.

        After a failure no further question is sent, but answers that are under way are waited
        for, because they are paid for.
        """
        waiting = iter(missing.items())
        failures: list[BaseException] = []
        n_workers = min(self._config.concurrency, len(missing))
        async with self._connection.client() as client:
            workers = [self._work(client, waiting, read, failures) for _ in range(n_workers)]
            await asyncio.gather(*workers, return_exceptions=True)
        if failures:
            raise failures[0]

    async def _work(
        self,
        client: httpx.AsyncClient,
        waiting: Iterator[tuple[str, dict[str, Any]]],
        read: Read[Reading],
        failures: list[BaseException],
    ) -> None:
        """Take requests one by one until none waits or one failed."""
        for key, body in _until(waiting, failures):
            try:
                text, usage = await self._readable(client, body, read, failures)
                append_answer(self._file, key, text, usage)
            except BaseException as error:
                failures.append(error)
                raise
            self._answers[key] = text

    async def _readable(
        self,
        client: httpx.AsyncClient,
        body: dict[str, Any],
        read: Read[Reading],
        failures: list[BaseException],
    ) -> tuple[str, EndpointUsage]:
        """Return an answer that can be read, and what it cost; ask again a few times."""
        shown, reason = "", ""
        for _ in range(self._config.attempts):
            response = await self._connection.request(client, body, lambda: bool(failures))
            usage = usage_of(response)
            self._usage += usage
            try:
                shown = _shown(response)
                text = self._connection.without_key(_text_of(response))
                read(text)
            except ValueError as error:
                reason = str(error)
            else:
                return text, usage
        raise InputError(
            f"{self._connection.name} gave {self._config.attempts} answers that cannot be read "
            f"({reason}). The last: {self._connection.shown(shown)!r}. Change the template, the "
            "model or max_tokens and run the same command again; the other answers are kept."
        )


def _run(asking: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, in a thread of its own where an event loop runs (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(asking)
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, asking).result()


def _until(
    waiting: Iterator[tuple[str, dict[str, Any]]], failures: Iterable[BaseException]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what waits, until there is a failure."""
    while not failures and (item := next(waiting, None)) is not None:
        yield item


def _text_of(response: Any) -> str:
    """Return the text of a chat completion; ValueError if it has none."""
    try:
        choice = response["choices"][0]
        text = choice["message"]["content"]
    except (LookupError, TypeError):
        raise ValueError("the response is not a chat completion") from None
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"it holds no text; finish_reason is {choice.get('finish_reason')!r}")
    return text


def _shown(response: Any) -> str:
    """Return what a message shows of a response: its text, or all of it."""
    try:
        return _text_of(response)
    except ValueError:
        return response if isinstance(response, str) else json.dumps(response)
