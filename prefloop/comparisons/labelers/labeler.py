"""What a labeler is."""

from typing import Protocol

from prefloop.comparisons.questions import Question
from prefloop.records import Label


class Labeler(Protocol):
    """Someone or something that says which sample is best."""

    def answer(self, question: Question) -> Label:
        """Return an answer to the question, under the labeler's own name."""
        ...
