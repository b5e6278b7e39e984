"""Memory that ran out, in words that say which setting to lower."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefloop.errors import OutOfMemoryError

SIGNS = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
"""What errors of torch's allocators and of a device's libraries say; not all have a class."""


FIXED = {"models__name", "policy__batch_size"}
"""Settings that a run keeps once it has samples."""


@contextmanager
def fits_in_memory(doing: str, **settings: object) -> Iterator[None]:
    """Turn memory that runs out inside the block into an OutOfMemoryError.

    `settings` are those of which something smaller needs less, with `__` for the dot, and their
    values, as far as they reach; the first helps most.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error).strip().splitlines() or ["no more was said"]
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in SIGNS):
            raise
        named = " or ".join(f"{k.replace('__', '.')} ({n})" for k, n in settings.items())
        again = "run the same command again: labels, samples and the last checkpoint are kept"
        if settings.keys() & FIXED:
            again = "begin a new run: in this one it cannot change, and nothing of it is lost"
        raise OutOfMemoryError(
            f"memory ran out while {doing} ({said[0]}). Choose a smaller {named} and {again}. "
            "With models.adapter: lora, models.dtype: bfloat16 takes less, too."
        ) from error
