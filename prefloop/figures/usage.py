"""Figures about what endpoints were used for (`usage.jsonl`): requests, tokens and money."""

from collections.abc import Iterable

from pydantic import BaseModel

from prefloop.figures.record import RECORD
from prefloop.figures.text import count, counted, money


class EndpointUsage(BaseModel):
    """Requests that were answered, and their tokens; usages add up.

    >>> total = EndpointUsage(requests=1, prompt_tokens=90) + EndpointUsage(reused=1)
    >>> total.requests, total.reused, total.prompt_tokens
    (1, 1, 90)
    """

    model_config = RECORD

    requests: int = 0
    """Answered requests; answers that could not be read are paid for too."""
    reused: int = 0
    """Answers that were kept from before and cost nothing."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unmetered: int = 0
    """Answered requests for which the endpoint reported no tokens."""

    def __add__(self, other: "EndpointUsage") -> "EndpointUsage":
        mine, theirs = self.model_dump(), other.model_dump()
        return EndpointUsage(**{name: mine[name] + theirs[name] for name in mine})


class UsageFigures(BaseModel):
    """What one scorer or judge of a run used of an endpoint."""

    model_config = RECORD

    name: str
    """Its name in the run file."""
    model: str
    """The model's name, as the endpoint knows it."""
    usage: EndpointUsage
    money: float | None
    """What the tokens cost; null if the prices or the tokens are not known."""
    currency: str


def total_usage(figures: Iterable[UsageFigures]) -> list[UsageFigures]:
    """Return one sum for each name and model, in the order in which they came."""
    sums: dict[tuple[str, str, str], UsageFigures] = {}
    for part in figures:
        key = (part.name, part.model, part.currency)
        before = sums.get(key)
        sums[key] = part if before is None else _added(before, part)
    return list(sums.values())


def usage_text(figures: UsageFigures) -> str:
    """Return a usage in words.

    >>> used = EndpointUsage(requests=2, reused=1, prompt_tokens=1500, completion_tokens=8)
    >>> usage_text(UsageFigures(name="j", model="m", usage=used, money=0.0152, currency="USD"))
    '2 requests, 1,500 prompt and 8 completion tokens, 0.015 USD; 1 answer was kept from before'
    """
    usage = figures.usage
    tokens = f"{count(usage.prompt_tokens)} prompt and {count(usage.completion_tokens)} completion"
    text = f"{counted(usage.requests, 'request')}, {tokens} tokens"
    if usage.unmetered:
        text += f" (not reported for {counted(usage.unmetered, 'request')})"
    if figures.money is not None:
        text += f", {money(figures.money, figures.currency)}"
    if usage.reused:
        verb = "was" if usage.reused == 1 else "were"
        text += f"; {counted(usage.reused, 'answer')} {verb} kept from before"
    return text


def _added(one: UsageFigures, other: UsageFigures) -> UsageFigures:
    known = one.money is not None and other.money is not None
    spent = (one.money or 0.0) + (other.money or 0.0) if known else None
    return one.model_copy(update={"usage": one.usage + other.usage, "money": spent})
