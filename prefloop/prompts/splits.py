"""Divides passages into train, validation and held_out by the hash of their text.

A passage keeps its split whatever else is in the file, in whatever order, in every run: no list is
kept, and a longer file moves nothing. White space and the spelling of characters do not count: a
text that is there twice, as NFC and as NFD or in another spacing, is in one split.
"""

import unicodedata

from prefloop.records import Split
from prefloop.seeding import stable_fraction


def split_of(passage: str, *, held_out_share: float, validation_share: float) -> Split:
    """Return the split of a passage: held_out below the first share, validation below both.

    >>> split_of("Call me Ishmael.", held_out_share=1.0, validation_share=0.0)
    'held_out'
    >>> split_of("Call me Ishmael.", held_out_share=0.0, validation_share=0.0)
    'train'
    """
    # Case is not folded here: it would move every English text, and the built-in model has been
    # trained on the training split as it is. Texts that differ in case alone are one prompt.
    fraction = stable_fraction(" ".join(unicodedata.normalize("NFC", passage).split()))
    if fraction < held_out_share:
        return "held_out"
    return "validation" if fraction < held_out_share + validation_share else "train"
