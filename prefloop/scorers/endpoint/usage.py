"""What an endpoint was used for: requests, tokens and money."""

from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from prefloop.scorers.endpoint.settings import PriceConfig

MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class EndpointUsage:
    """Requests that were answered, and what they cost; usages add up.

    >>> total = EndpointUsage(requests=1, prompt_tokens=90) + EndpointUsage(reused=1)
    >>> total.requests, total.reused, total.prompt_tokens
    (1, 1, 90)
    """

    requests: int = 0
    """Answered requests; answers that could not be read are paid for too."""
    reused: int = 0
    """Answers that were there already and cost nothing."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unmetered: int = 0
    """Answered requests for which the endpoint reported no tokens."""

    def __add__(self, other: Self) -> "EndpointUsage":
        mine, theirs = vars(self), vars(other)
        return EndpointUsage(**{name: mine[name] + theirs[name] for name in mine})

    def money(self, prices: PriceConfig) -> float | None:
        """Return what the tokens cost in `prices.currency`; None if that is not known."""
        if prices.prompt is None or prices.completion is None or self.unmetered:
            return None
        cost = prices.prompt * self.prompt_tokens + prices.completion * self.completion_tokens
        return cost / MILLION

    def text(self, prices: PriceConfig) -> str:
        """Return the usage in words.

        >>> used = EndpointUsage(requests=2, reused=1, prompt_tokens=1500, completion_tokens=8)
        >>> used.text(PriceConfig(prompt=10.0, completion=30.0))
        '2 requests, 1,500 prompt and 8 completion tokens, 0.0152 USD, 1 answer reused'
        """
        parts = [_counted(self.requests, "request")]
        parts.append(
            f"{self.prompt_tokens:,} prompt and {self.completion_tokens:,} completion tokens"
        )
        if self.unmetered:
            parts[-1] += f" (not reported for {self.unmetered:,})"
        if (money := self.money(prices)) is not None:
            parts.append(f"{money:.3g} {prices.currency}")
        if self.reused:
            parts.append(f"{_counted(self.reused, 'answer')} reused")
        return ", ".join(parts)


@runtime_checkable
class Metered(Protocol):
    """A scorer or judge whose requests cost something."""

    @property
    def prices(self) -> PriceConfig:
        """What tokens cost."""
        ...

    def take_usage(self) -> EndpointUsage:
        """Return what was used since this was asked last."""
        ...


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def usage_of(body: Any) -> EndpointUsage:
    """Return what one response of an endpoint says that it cost."""
    reported = body.get("usage") if isinstance(body, dict) else None
    names = ("prompt_tokens", "completion_tokens")
    found = [reported.get(n) if isinstance(reported, dict) else None for n in names]
    counts = [n for n in found if isinstance(n, int) and n >= 0]
    if len(counts) < len(names):
        return EndpointUsage(requests=1, unmetered=1)
    return EndpointUsage(requests=1, prompt_tokens=counts[0], completion_tokens=counts[1])
