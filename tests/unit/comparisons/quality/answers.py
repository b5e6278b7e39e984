"""Labels and checks, written short."""

from collections.abc import Sequence

from prefloop.records import Answer, Label
from prefloop.teamwork import AssignmentKind, QualityCheck


def label(
    question: str,
    labeler: str,
    chosen: int | None = 0,
    *,
    answer: Answer = "best",
    shown: Sequence[int] = (0, 1),
    seconds: float = 10.0,
    instructions: str = "1",
) -> Label:
    """Return an answer; samples are named `question-number`."""
    return Label(
        id=f"{question}-{labeler}",
        comparison_id=question,
        labeler=labeler,
        answer=answer,
        chosen=None if chosen is None or answer != "best" else f"{question}-{chosen}",
        shown=tuple(f"{question}-{number}" for number in shown),
        seconds=seconds,
        instructions=instructions,
    )


def check(
    question: str,
    labeler: str,
    is_right: bool | None,
    *,
    kind: AssignmentKind = "gold",
    chosen: int = 0,
    shown: Sequence[int] = (0, 1),
    seconds: float = 10.0,
    instructions: str = "1",
) -> QualityCheck:
    """Return an answer to a question of a kind; None for a skip."""
    return QualityCheck(
        id=f"{kind}-{question}-{labeler}",
        comparison_id=question,
        labeler=labeler,
        kind=kind,
        answer="skip" if is_right is None else "best",
        chosen=None if is_right is None else f"{question}-{chosen}",
        shown=tuple(f"{question}-{number}" for number in shown),
        seconds=seconds,
        instructions=instructions,
        is_right=is_right,
    )
