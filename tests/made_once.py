"""What takes seconds to make and is only read: made once for all workers of a test session."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder `name` that all workers share; the first that asks lets `make` fill it.

    A folder that could not be made to the end is removed from the way, and made again by whoever
    asks next.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    done, folder = root / f"{name}.done", root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            if folder.exists():
                folder.rename(factory.mktemp("unfinished") / name)
            make(folder)
            done.touch()
    return folder
