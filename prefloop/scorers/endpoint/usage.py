"""What an endpoint was used for: requests, tokens and money."""

from dataclasses import dataclass
from typing import Any, Self

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


def usage_of(body: Any) -> EndpointUsage:
    """Return what one response of an endpoint says that it cost."""
    reported = body.get("usage") if isinstance(body, dict) else None
    names = ("prompt_tokens", "completion_tokens")
    found = [reported.get(n) if isinstance(reported, dict) else None for n in names]
    counts = [n for n in found if isinstance(n, int) and n >= 0]
    if len(counts) < len(names):
        return EndpointUsage(requests=1, unmetered=1)
    return EndpointUsage(requests=1, prompt_tokens=counts[0], completion_tokens=counts[1])
