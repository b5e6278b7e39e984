"""What a labeler is."""

from typing import ClassVar, Literal, Protocol

from prefloop.comparisons.questions import Question
from prefloop.records import Label

LabelerKind = Literal["person", "synthetic", "program", "imported"]
"""`person`: answers in a browser. `synthetic`: simulates people, for experiments. `program`: any
other labeler of an installed package. `imported`: its labels came from a file."""


class Labeler(Protocol):
    """Answers questions under one name.

    A class whose answers depend on settings has a `Settings` section and takes one when it is made;
    any other is made without arguments. Its settings stand in `comparisons.options`.
    """

    kind: ClassVar[LabelerKind]
    """`synthetic` or `program`; a class that does not say is a program."""
    sources: ClassVar[frozenset[str]]
    """What its answers rest on: a judge with a common source is not independent. Where the settings
    decide, this is a static method from settings to names. A class that does not say rests on
    itself; synthetic labelers of a run file rest on their scorers."""

    def answer(self, question: Question) -> Label:
        """Return an answer to the question, under the labeler's own name."""
        ...
