"""Figures about one reward model, on labels that it was not trained on (`trust.json`)."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD

LengthBucket = Literal["chosen is shorter", "about equal", "chosen is longer"]
"""The chosen sample against the mean length of the others."""

ROUNDING = 1e-9
"""Shares no further apart are equal."""


class CalibrationBinFigures(BaseModel):
    """The samples whose probability lies between `low` and `high`."""

    model_config = RECORD

    low: float
    high: float
    n: int
    """Samples in the bin."""
    mean_probability: float
    """What the reward model gave them, by softmax over the samples shown."""
    frequency: float
    """How often they were chosen."""
    interval: tuple[float, float]
    """Wilson interval of `frequency`."""


class CalibrationFigures(BaseModel):
    """Do the reward model's probabilities come true?"""

    model_config = RECORD

    error: float
    """Expected calibration error: mean distance of probability and frequency over the bins."""
    n: int
    """Samples."""
    bins: tuple[CalibrationBinFigures, ...]


class MarginFigures(BaseModel):
    """Accuracy where the best score leads the second by `low` to `high`."""

    model_config = RECORD

    low: float
    high: float
    accuracy: EstimateFigure


class LengthFigures(BaseModel):
    """Accuracy where the chosen sample is shorter than the others, alike or longer."""

    model_config = RECORD

    bucket: LengthBucket
    accuracy: EstimateFigure


class LengthOnlyFigures(BaseModel):
    """A rater who can only count: the better of "longest" and "shortest"."""

    model_config = RECORD

    rule: Literal["longest", "shortest"]
    accuracy: EstimateFigure


class ValidationFigures(BaseModel):
    """What the validation labels say about a reward model."""

    model_config = RECORD

    n: int
    """Comparisons with validation labels."""
    n_tied: int
    """Those without one sample that got the most votes."""
    accuracy: EstimateFigure
    """Share of the votes that the highest-scored sample got."""
    chance: float
    """Accuracy of a random choice."""
    ceiling: float | None
    """How often another labeler chooses the same sample; null if no question was asked twice."""
    ceiling_questions: int | None = None
    """Questions that two labelers answered or more, on which it rests; null where not recorded."""
    calibration: CalibrationFigures
    score_length_correlation: float | None
    """Pearson's correlation of score and length within comparisons; null if one does not vary."""
    by_margin: tuple[MarginFigures, ...]
    by_length: tuple[LengthFigures, ...]
    length_only: LengthOnlyFigures

    @property
    def prefers_nothing(self) -> bool:
        """Whether any rule gets as much as a random one does: all answers are ties, or people who
        contradict each other."""
        gained = (own.value - self.chance for own in (self.accuracy, self.length_only.accuracy))
        return self.n_tied == self.n and all(abs(gain) < ROUNDING for gain in gained)


class EnsembleValidationFigures(BaseModel):
    """Where the members of an ensemble choose differently on validation labels."""

    model_config = RECORD

    disagree: EstimateFigure
    """Share of the questions on which not all members score the same sample highest."""
    where_agreed: EstimateFigure | None
    """Accuracy of the score where all do; null if they never do."""
    where_not: EstimateFigure | None
    """Accuracy of the score on the other questions; null if there is none."""
    members: tuple[float, ...]
    """Accuracy of each member by itself."""


class EnsembleFigures(BaseModel):
    """The members of a reward model: linear heads on one model, whose mean is the score."""

    model_config = RECORD

    members: int
    shifts: tuple[float, ...]
    """What is added to each member's scores; their mean is `reward_shift`."""
    reference_spread: float
    """Standard deviation over members, in units of the score, mean over reference samples."""
    validation: EnsembleValidationFigures | None
    """Null without validation labels."""


class HeldOutTerm(BaseModel):
    """A scorer that is held out of the reward."""

    model_config = RECORD

    scorer: str
    weight: float
    """Score of the reward model for one more of the scorer's number, within a question."""
    mean: float
    """Mean of the scorer's number: an answer that has it loses and gains nothing."""


class HeldOutFigures(BaseModel):
    """What is taken out of the scores before the policy follows them (`rewards.hold_out`)."""

    model_config = RECORD

    questions: int
    """Training questions that the weights were fitted on."""
    share: float
    """Share of the scores' squared differences within those questions that is taken out."""
    terms: tuple[HeldOutTerm, ...]


class TrustFigures(BaseModel):
    """One reward model: its scale, and how far it can be believed."""

    model_config = RECORD

    labels: int
    """Comparisons with training labels."""
    reference_mean: float
    """Mean score of reference samples: 0 once normalized."""
    reference_std: float
    """Standard deviation of the scores of reference samples: 1 once normalized."""
    reward_shift: float
    """What is added to every score."""
    validation: ValidationFigures | None
    """Null without validation labels."""
    ensemble: EnsembleFigures | None = None
    """Null for a reward model with one head."""
    held_out: HeldOutFigures | None = None
    """Null where nothing is held out of the reward."""
