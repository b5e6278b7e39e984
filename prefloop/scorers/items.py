"""Which response a scorer of the user's failed on: what its function raised or returned for it."""

from collections.abc import Callable, Sequence

import numpy as np

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


def call_function(
    function: ScoringFunction, prompts: Sequence[str], responses: Sequence[str]
) -> Scores:
    """Return the numbers that a function returns; ItemProblem names the response it fails on.

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
    a tensor of numbers."""
    if isinstance(returned, str | bytes) or not hasattr(returned, "__iter__"):
        return np.asarray(returned, dtype=np.float64)
    values = list(returned)
    if len(values) != n:
        return np.zeros(len(values))  # The caller says that there are too few or too many.
    for index, value in enumerate(values):
        # A text that reads as a number is a mistake all the same: of a column, or of a parser.
        if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
            raise ItemProblem(index, value)
    return np.asarray([float(value) for value in values], dtype=np.float64)
