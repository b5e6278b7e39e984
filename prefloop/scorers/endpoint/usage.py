"""What an endpoint was used for, and what that cost."""

from typing import Any, Protocol, runtime_checkable

from prefloop.figures.usage import EndpointUsage, UsageFigures
from prefloop.scorers.endpoint.settings import EndpointConfig

MILLION = 1_000_000


ENDPOINTS_HAVE = "take_usage"
"""The method by which a class is known as `Metered` before it is made."""


@runtime_checkable
class Metered(Protocol):
    """A scorer or judge whose requests cost something."""

    def take_usage(self, name: str) -> UsageFigures | None:
        """Return what was used since this was asked last, under a name; None if nothing was."""
        ...


def usage_figures(name: str, config: EndpointConfig, usage: EndpointUsage) -> UsageFigures | None:
    """Return a usage with what it cost; None if nothing was used."""
    if usage == EndpointUsage():
        return None
    prices = config.prices
    money = None
    if prices.prompt is not None and prices.completion is not None and not usage.unmetered:
        cost = prices.prompt * usage.prompt_tokens + prices.completion * usage.completion_tokens
        money = cost / MILLION
    return UsageFigures(
        name=name, model=config.model, usage=usage, money=money, currency=prices.currency
    )


def usage_of(body: Any) -> EndpointUsage:
    """Return what one response of an endpoint says that it used."""
    reported = body.get("usage") if isinstance(body, dict) else None
    names = ("prompt_tokens", "completion_tokens")
    found = [reported.get(n) if isinstance(reported, dict) else None for n in names]
    counts = [n for n in found if isinstance(n, int) and n >= 0]
    if len(counts) < len(names):
        return EndpointUsage(requests=1, unmetered=1)
    return EndpointUsage(requests=1, prompt_tokens=counts[0], completion_tokens=counts[1])
