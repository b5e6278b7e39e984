"""People as a judge: blind pairs on the labeling page, answered while the evaluation waits."""

from dataclasses import dataclass
from typing import ClassVar, NoReturn

from prefloop.errors import InputError


@dataclass(frozen=True)
class PeopleJudge:
    """People who compare two responses without knowing which model wrote which.

    Their answers come through the store and take their time, so they cannot be asked as a function
    is: `people_verdicts.py` makes the questions and reads the answers.
    """

    name: ClassVar[str] = "people"
    description: ClassVar[str] = "people who did not know which model wrote what"

    sources: frozenset[str] = frozenset()
    """`person:<name>` of each who has answered."""

    def compare(self, prompt: str, a: str, b: str) -> NoReturn:
        """Refuse: nobody answers at once."""
        raise InputError(
            "people judge on the labeling page, not at once. Name them in evaluation.judges, and "
            "`prefloop run` asks them and waits."
        )
