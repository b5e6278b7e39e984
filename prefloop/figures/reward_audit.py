"""Figures on whether to train against a reward model (`audits/rewards-round-<N>.json`)."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.check_result import CheckResult
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD
from prefloop.figures.trust import EnsembleFigures

CheckAnswer = Literal["pass", "fail", "unknown"]
"""`unknown`: the numbers do not tell; it never counts as a pass."""

TrustVerdict = Literal["train", "collect more", "stop", "none"]
"""`none`: too few labels for any."""


class TrustCheckFigures(BaseModel):
    """One check of a reward model before a policy trains against it."""

    model_config = RECORD

    name: str
    answer: CheckAnswer
    message: str
    """What was found, with its numbers."""
    on_fail: Literal["collect more", "stop"]
    """What the verdict is where it fails."""
    is_required: bool
    """Whether nothing is trained before it passes."""
    source: str
    """Where the rule comes from."""


class GroupAccuracyFigures(BaseModel):
    """Accuracy on the validation labels of one labeler or round."""

    model_config = RECORD

    name: str
    accuracy: EstimateFigure


class AmplifiedFigures(BaseModel):
    """One shortcut in the labels and in the reward model, on the validation questions."""

    model_config = RECORD

    name: str
    title: str
    counts: str
    """What a rule does that knows nothing else."""
    in_labels: float
    """Log-odds of being chosen per usual difference, the other shortcuts held equal."""
    in_model: float
    """The same in the reward model's own choices."""
    difference: EstimateFigure
    """Model less labels."""
    is_amplified: bool
    """Whether the model surely weighs it more than labels do, at 1 % over all shortcuts."""
    predicts_labels: EstimateFigure
    """Share of the labels that a rule with this shortcut alone predicts, out of fold."""
    predicts_model: EstimateFigure
    """Share of the reward model's first choices that such a rule predicts, out of fold."""
    stands_for_model: bool
    """Whether the rule surely predicts more of them than `audits.reward_share` of the way from
    chance to always."""
    may_stand_for_model: bool = False
    """Whether it predicts more than that, surely or not."""


class EditFigures(BaseModel):
    """What the reward model says to one edit that makes an answer worse."""

    model_config = RECORD

    name: str
    title: str
    right: EstimateFigure
    """Share of the answers that did not score higher after it."""
    change: float
    """Mean change of the score."""


class BestOfPointFigures(BaseModel):
    """Drawing n samples and keeping the one with the highest reward."""

    model_config = RECORD

    n: int
    kl_nats: float
    """log n - (n - 1) / n: an upper bound."""
    reward: float
    """The reward model's score of what is kept."""
    held_out: EstimateFigure | None
    """What the held-out scorer says of it; null without one."""


class BestOfFigures(BaseModel):
    """Does another scorer agree with what the reward model selects?"""

    model_config = RECORD

    scorer: str | None
    """The held-out scorer; null without one."""
    prompts: int
    samples: int
    """Per prompt."""
    points: tuple[BestOfPointFigures, ...]
    """From n = 1 up."""
    rise: EstimateFigure | None
    """Held-out score at the largest n less that at 1, over prompts; null without a scorer."""


class RewardAuditFigures(BaseModel):
    """May a policy be trained against this reward model?"""

    model_config = RECORD

    fingerprint: str
    """A hash of the reward model, the labels, the settings and the measures."""
    reward_model: str
    """A hash of the reward model's own figures: of one that was trained again this is outdated."""
    round: int
    questions: int
    """Validation questions in which somebody preferred a sample and whose texts fit into the model;
    before `ties` was recorded, those with ties too."""
    ties: int | None = None
    """Further ones that were answered with ties or `all_bad` only; null where not recorded."""
    prompts: int
    """Of the questions with a preference."""
    needed: int
    """Questions without which there is no verdict."""
    scale: float | None
    """What the scores were multiplied by for `in_model`; null without enough questions."""
    is_calibrated_scale: bool
    """Whether that is the temperature that fits the labels; if not, it is 1."""
    shortcuts: tuple[AmplifiedFigures, ...]
    by_labeler: tuple[GroupAccuracyFigures, ...]
    by_round: tuple[GroupAccuracyFigures, ...]
    edits: tuple[EditFigures, ...]
    best_of: BestOfFigures | None
    """Null without several samples per prompt."""
    ensemble: EnsembleFigures | None = None
    """Where its members disagree; null for a reward model with one head."""
    forecast: str
    """What more labels would bring, as far as the learning curve says."""
    checks: tuple[TrustCheckFigures, ...]
    verdict: TrustVerdict
    reason: str
    """The verdict in a sentence."""
    left_out: dict[str, str]
    """What was not looked at, with the reason."""
    findings: tuple[CheckResult, ...]
    """In the words of the doctor."""
