"""Values that may be missing, where a test knows that they are there."""

from typing import TypeVar

T = TypeVar("T")


def known(value: T | None) -> T:
    """Return the value; a missing one is an error of its own, never a failed comparison."""
    if value is None:
        raise LookupError("there is None where this test knows a value")
    return value
