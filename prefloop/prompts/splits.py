"""Divides passages into train, validation and held_out by the hash of their text.

A passage keeps its split whatever else is in the file, in whatever order, in every run: no list is
kept, and a longer file moves nothing.
"""

from prefloop.records import Split
from prefloop.seeding import stable_fraction


def split_of(passage: str, *, held_out_share: float, validation_share: float) -> Split:
    """Return the split of a passage: held_out below the first share, validation below both.

    >>> split_of("Call me Ishmael.", held_out_share=1.0, validation_share=0.0)
    'held_out'
    >>> split_of("Call me Ishmael.", held_out_share=0.0, validation_share=0.0)
    'train'
    """
    fraction = stable_fraction(passage)
    if fraction < held_out_share:
        return "held_out"
    return "validation" if fraction < held_out_share + validation_share else "train"
