"""What the reward model would be without one labeler, as typed records and in sentences."""

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD
from prefloop.figures.text import (
    count,
    counted,
    percent,
    points,
    points_interval,
    share_with_interval,
)


class OtherModelFigures(BaseModel):
    """A reward model that was trained again on fewer labels, beside the one that was saved."""

    model_config = RECORD

    accuracy: EstimateFigure | None
    """Agreement with the validation labels of everybody else; null without any."""
    difference: EstimateFigure | None
    """Its accuracy less that of the saved one, on the same questions."""
    same_choice: EstimateFigure | None
    """Share of those questions in which both score the same sample highest."""
    other_pick: EstimateFigure | None
    """Share of stored groups of samples of which it keeps another one; null without groups."""


class WithoutLabelerFigures(BaseModel):
    """What would change if one labeler's labels had not taught the reward model."""

    model_config = RECORD

    labeler: str
    round: int
    left_out: int
    """Training labels of theirs."""
    left: int
    """Training labels of everybody else."""
    questions: int
    """Validation questions that somebody else answered."""
    group_size: int
    """Samples in a group of which one is kept: four, or fewer where fewer are stored."""
    saved_accuracy: EstimateFigure | None
    """Agreement of the saved reward model with the same validation labels."""
    without: OtherModelFigures
    yardstick: OtherModelFigures | None
    """The same with as many labels of others left out, drawn by lot; null where others have not as
    many to spare."""


def without_labeler_lines(figures: WithoutLabelerFigures) -> list[str]:
    """Return what would change, in sentences with what each rests on."""
    head = (
        f"Reward model of round {figures.round} without {figures.labeler}: "
        f"{counted(figures.left_out, 'training label')} left out, {count(figures.left)} left."
    )
    lines = [head, *_lines(figures, figures.without, "Without them it")]
    if figures.yardstick is None:
        return [*lines, "No yardstick: the others have not as many labels to spare."]
    lines.append(
        f"Yardstick, {counted(figures.left_out, 'label')} of others left out, drawn by lot:"
    )
    return lines + [f"  {line}" for line in _lines(figures, figures.yardstick, "it")]


def _lines(figures: WithoutLabelerFigures, model: OtherModelFigures, it: str) -> list[str]:
    """Return the sentences about one of the models that were trained again."""
    saved, lines = figures.saved_accuracy, []
    if model.accuracy is None or model.difference is None or saved is None:
        lines.append("Its accuracy is not known: nobody else answered a validation question.")
    else:
        change = points(model.difference.value)
        ends = points_interval(model.difference.low, model.difference.high)
        lines.append(
            f"{it} agrees with {share_with_interval(model.accuracy)} of the others' answers to "
            f"{counted(figures.questions, 'validation question')}; with all labels "
            f"{percent(saved.value)}, a change of {change} points ({ends})."
        )
    if model.same_choice is not None:
        lines.append(
            f"Both choose the same sample in {share_with_interval(model.same_choice)} of "
            f"{counted(model.same_choice.n, 'question')}."
        )
    if model.other_pick is not None:
        lines.append(
            f"Of {counted(model.other_pick.n, 'stored group')} of {figures.group_size} samples "
            f"the best is another one in {share_with_interval(model.other_pick)}."
        )
    return lines
