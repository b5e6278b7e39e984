"""Where an error arose, for logs that must hold no values: those may be a person's text."""

import traceback
from collections.abc import Iterator
from pathlib import PurePath


def error_places(error: BaseException) -> Iterator[str]:
    """Yield the types of an error and its causes with the places in the code, without values."""
    cause: BaseException | None = error
    while cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)[-6:]
        at = ", ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
        yield f"{type(cause).__name__} at {at}"
        cause = cause.__cause__ or cause.__context__
