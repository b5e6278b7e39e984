"""Texts that are handed over in Python: each must be one that models read and stores take."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from prefloop.errors import InputError
from prefloop.text.decoding import text_fault

T = TypeVar("T")


def listed(name: str, given: Iterable[T]) -> list[T]:
    """Return what was given as a list: a column of a table, an array or a generator will do.

    InputError for a single text, whose letters would be taken one by one, and for what holds
    nothing in an order.
    """
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        raise InputError(f"{name} is {given!r}; give a list.")
    return list(given)


def refuse_wrong_texts(name: str, texts: Sequence[object], *, may_be_empty: bool = False) -> None:
    """Raise an InputError that names the first of the texts that is none, by its index."""
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not (text.strip() or may_be_empty):
            kind = "a text" if may_be_empty else "a text that is not empty"
            raise InputError(f"{name}[{index}] is {text!r}; it must be {kind}.")
        if (fault := text_fault(text)) is not None:
            raise InputError(f"{name}[{index}] {fault}.")
