"""What a judge is: a prompt and two responses in, win, tie or loss out."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, get_args, runtime_checkable

from prefloop.scorers.scorer import Sources

Outcome = Literal["win", "tie", "loss"]
"""What became of the first of two responses."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Judge(Protocol):
    """Compares two responses to one prompt.

    A judge sees texts only: not which model wrote them. Any scorer can be a judge (`ScorerJudge`);
    a language model that sees both texts, or a person, is a judge without being a scorer.

    A person who judges answers comparisons of two samples in the browser and has one source,
    `person:<name>`. Where that person also labeled, the judge is not independent; unlike a shared
    program this is reported, not refused, because a team may be all the people there are.

    A class whose verdicts depend on settings has a `Settings` section and takes one when it is
    made; any other is made without arguments.
    """

    name: ClassVar[str]
    """What a run file calls it."""
    description: ClassVar[str]
    """What the report calls it, such as `a language model`."""

    @property
    def sources(self) -> Sources:
        """What its verdicts rest on: a judge that shares a source with a labeler is refused.

        An attribute of the class: names, or a static method from the settings to names.
        """
        ...

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        """Return what became of `a` beside `b`."""
        ...


@runtime_checkable
class BatchJudge(Protocol):
    """A judge that is faster when it is asked about many pairs at once."""

    def compare_all(
        self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]
    ) -> Sequence[Outcome]:
        """Return one outcome for each of `a`, in order."""
        ...
