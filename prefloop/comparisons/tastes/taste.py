"""What a taste is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""One number per response."""


class Taste(Protocol):
    """Something that likes one response more than another.

    One unit is meant to weigh as much as one unit of the sentiment classifier's log-odds, so that
    tastes can be mixed and so that people's measured disagreement applies to all of them.
    """

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one number per (prompt, response), higher = liked more."""
        ...
