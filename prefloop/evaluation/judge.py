"""Who says what is better: someone whose taste the labels did not come from."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Judge(Protocol):
    """Something that scores texts it has not labeled for training."""

    @property
    def name(self) -> str:
        """What verdicts are filed under."""
        ...

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.float64]:
        """Return one number per (prompt, response), higher = better."""
        ...


DESCRIPTIONS = {
    "lexicon": "a sentiment lexicon",
    "sentiment": "a sentiment classifier",
    "classifier": "a sentiment classifier",
    "descriptiveness": "a count of sensory words",
    "imagery": "a list of concrete nouns",
    "length": "a preference for length",
    "copying": "a preference for copying",
    "accuracy_in_a_hurry": "a hurried check of accuracy",
}


def describe(name: str) -> str:
    """Return what a reader should know a judge as.

    >>> describe("lexicon"), describe("my-judge")
    ('a sentiment lexicon', '“my-judge”')
    """
    return DESCRIPTIONS.get(name, f"“{name}”")
