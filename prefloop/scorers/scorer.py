"""What a scorer is: text in, one number per response out."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""One number per response."""


class Scorer(Protocol):
    """Scores responses; a higher number is better.

    One unit is meant to weigh as much as one unit of the sentiment classifier's log-odds, so that
    scorers can be mixed and so that people's measured disagreement applies to all of them.

    A class whose scores depend on settings has a `Settings` section and takes one when it is made;
    any other is made without arguments.
    """

    name: ClassVar[str]
    """What a run file calls it."""
    sources: ClassVar[frozenset[str]]
    """What its scores rest on. Two scorers with a common source are not independent.
    Where the settings decide, this is a static method from settings to names."""
    description: ClassVar[str]
    """What a reader of the report should know it as, such as `a sentiment lexicon`."""

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one number per (prompt, response)."""
        ...
