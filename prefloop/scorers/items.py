"""What a function of the user's did wrong: its arguments, what it raised, and what it returned."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from reprlib import repr as short
from typing import Any

import numpy as np

from prefloop.errors import InputError
from prefloop.scorers.scorer import Scores

SHOWN_CHARACTERS = 60

ScoringFunction = Callable[[list[str], list[str]], object]
"""`score(prompts, responses)`: one number per response, in their order; higher is better."""


class ItemProblem(Exception):
    """A function failed on one response: it raised (the cause), or returned no number."""

    def __init__(self, index: int, found: object = None) -> None:
        super().__init__(f"item {index}")
        self.index = index
        self.found = found
        """What it returned, where it did not raise."""


class NoNumbers(Exception):
    """A function returned no list of numbers at all; the message is what it returned."""


def refuse_other_arguments(function: ScoringFunction, name: str) -> None:
    """Raise an InputError if a function cannot be called with prompts and responses."""
    if inspect.iscoroutinefunction(function):
        raise InputError(f"the function {name} is `async def`, and nobody awaits it. Write `def`.")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # one that is not written in Python may not say
        return
    try:
        signature.bind([], [])
    except TypeError as error:
        raise InputError(
            f"the function {name}{signature} cannot be called with prompts and responses: {error}. "
            "Let it take two lists of texts, (prompts, responses), and return a number for each "
            "response."
        ) from error


def call_function(
    function: ScoringFunction, prompts: Sequence[str], responses: Sequence[str]
) -> Scores:
    """Return the numbers that a function returns; ItemProblem names the response it fails on.

    NoNumbers if it returns something else than numbers in an order.

    A function that raises is called again with one response at a time: it may fail on all of them
    together only, and then its own exception is passed on.
    """
    try:
        returned = function(list(prompts), list(responses))
    except Exception:
        _raise_at_item(function, prompts, responses)
        raise
    return _numbers(returned, len(responses))


def item_text(index: int, responses: Sequence[str]) -> str:
    """Return how messages name one of several responses.

    >>> item_text(1, ["Good day.", "Tea, please."])
    "response 2 of 2 (index 1), 'Tea, please.'"
    """
    text = responses[index]
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
    return f"response {index + 1} of {len(responses)} (index {index}), {shown!r}"


def _raise_at_item(
    function: ScoringFunction, prompts: Sequence[str], responses: Sequence[str]
) -> None:
    for index, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        try:
            function([prompt], [response])
        except Exception as error:
            raise ItemProblem(index) from error


def _numbers(returned: object, n: int) -> Scores:
    """Return what a function returned for n responses as numbers, if it is a sequence, an array or
    a tensor of numbers. Keys of a dictionary are no scores, and a set has no order."""
    is_other = isinstance(returned, str | bytes | Mapping | Set)
    is_one = getattr(returned, "ndim", 1) == 0  # an array or tensor of no dimension
    if not isinstance(returned, Iterable) or is_other or is_one:
        raise NoNumbers(short(returned))
    values = list(returned)
    if len(values) != n:
        return np.zeros(len(values))  # The caller says that there are too few or too many.
    for index, value in enumerate(values):
        # A text that reads as a number is a mistake all the same: of a column, or of a parser.
        if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
            raise ItemProblem(index, value)
    return np.asarray([_number(i, value) for i, value in enumerate(values)], dtype=np.float64)


def _number(index: int, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all others
        return math.inf
    except (TypeError, ValueError):  # such as an array of several numbers
        raise ItemProblem(index, value) from None
