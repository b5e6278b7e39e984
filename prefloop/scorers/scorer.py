"""What a scorer is: text in, one number per response out."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
"""One number per response."""

Sources = frozenset[str] | Callable[[Any], frozenset[str]]
"""What verdicts rest on: names, or a function from the settings to names."""


class Scorer(Protocol):
    """Scores responses; a higher number is better.

    Give scores in units of log-odds: 1 more should mean that about 73 % of readers prefer it. Then
    scorers can be mixed by weight, and the disagreement that was measured among people fits all.

    A class whose numbers were fitted to what people said names it in `calibrated_on`, a text or a
    static method from the settings to one; report and cards of runs that it labeled say so.

    A class whose scores depend on settings has a `Settings` section and takes one when it is made;
    any other is made without arguments. One whose scores depend on files or weights has an
    attribute `content_hash`, a hash of them: scores stored under another hash are not read.
    """

    name: ClassVar[str]
    """What a run file calls it."""
    description: ClassVar[str]
    """What the report calls it, such as `a list of rated words`."""

    @property
    def sources(self) -> Sources:
        """What its scores rest on: two scorers with a common source are not independent.

        An attribute of the class: names, or a static method from the settings to names.
        """
        ...

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return one number per (prompt, response)."""
        ...
