"""One root seed, and a named stream of random numbers for every use of it.

A stream is named by where it is used and by counters (round, update, batch), never by how many
numbers were drawn before. So a resumed run needs no stored generator state: it asks for the stream
of the update it is at and gets the same numbers that the uninterrupted run got.
"""

import hashlib

import numpy as np


def derive_seed(root: int, *name: str | int) -> int:
    """Return a 63-bit seed for the stream `name` below `root`.

    >>> derive_seed(1, "samples", 0) == derive_seed(1, "samples", 0)
    True
    >>> derive_seed(1, "samples", 0) == derive_seed(1, "samples", 1)
    False
    """
    text = "/".join([str(root), *map(str, name)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_stream(root: int, *name: str | int) -> np.random.Generator:
    """Return a NumPy generator for the stream `name`."""
    return np.random.default_rng(derive_seed(root, *name))


def stable_fraction(text: str) -> float:
    """Map a text to a fixed number in [0, 1): the basis of every split.

    >>> stable_fraction("Call me Ishmael.") == stable_fraction("Call me Ishmael.")
    True
    """
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def stable_id(*parts: str | int) -> str:
    """Return a 16-character id made from `parts`: the same parts give the same id in every run.

    >>> len(stable_id("sample", 0, "some text"))
    16
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]
