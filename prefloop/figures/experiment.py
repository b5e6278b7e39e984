"""Figures of an experiment on copying (`results.json`): arms, systems, goals."""

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import CopyingMeasures, OptionalEstimate
from prefloop.figures.record import RECORD


class SystemFigures(BaseModel):
    """How much the summaries of one system copy, and how accurate they are."""

    model_config = RECORD

    name: str
    """Such as `zero-shot + hurried`."""
    title: str
    seeds: tuple[int, ...]
    """The seeds that are pooled; the prompts are the same in all."""
    n: int
    """Summaries."""
    copying: CopyingMeasures
    copied_sentences: OptionalEstimate
    """Share of sentences that stand in the source: 1 less `novel_sentences`."""
    starts_with_preamble: OptionalEstimate
    """`starts_copied` where the source opens with a preamble: a colon among its first three
    words. Null where no source does."""
    accurate: OptionalEstimate
    """Share of summaries that the check of accuracy finds rather supported than not."""
    accuracy_above_copying: OptionalEstimate
    """Share of accurate summaries above that of a control that copies as many sentences: a mixture
    of what the start wrote and of copies (`lead-3`; of a question, the summary that copies most).
    Whoever copies less than the start is held against the start; people and rules have the first
    start. Over articles that all three answered with a sentence. Null for the control's own ends,
    where a system copies more than the copies do, and where these copy no more than the start or
    answered none of the same articles."""
    words: OptionalEstimate
    """Words per summary."""
    in_2019: str = ""
    """The row of 2019's tables that it stands beside; empty if none."""


class LabelWarningFigures(BaseModel):
    """What the audit of one member's labels said before anything learned from them."""

    model_config = RECORD

    seed: int
    message: str
    """The first warning; empty if it had none."""
    contrasts: int
    """Answers in which a copy met a sample that is none."""
    taken: OptionalEstimate
    """Share of these answers that took the copy."""
    is_warned: bool
    """Whether the audit warned that copying is rewarded: copies were taken more often than chance
    allows, or a rule that counts copying explains more of the choices than it may."""
    weight_in_labels: float | None
    """Log-odds of copied words per usual difference in the labels, on the validation questions."""
    weight_in_rewards: float | None
    """The same in the reward model's own choices."""


class WatchFigures(BaseModel):
    """When the watch on one member's policy said that it copies more."""

    model_config = RECORD

    seed: int
    update: int | None
    """Null if it never did."""
    kl: float | None
    """KL from the start at that update, in nats."""


class ArmFigures(BaseModel):
    """What became of copying in one arm from one start."""

    model_config = RECORD

    start: str
    arm: str
    title: str
    dose: float | None
    """Weight of the verbatim term as a share of the fitted one; null if the arm is no dose."""
    seeds: tuple[int, ...]
    before: EstimateFigure
    """Share of sentences copied by the start."""
    after: EstimateFigure
    """By the policy, on the same prompts."""
    ratio: OptionalEstimate
    """After by before; null where one of them copied nothing."""
    change: EstimateFigure
    """After less before, on the same prompts."""
    win_rate: OptionalEstimate
    """How often the judge of accuracy prefers the policy to its start."""
    kl: OptionalEstimate
    """KL from the start, in nats per summary."""
    labels: tuple[LabelWarningFigures, ...]
    """One for each seed."""
    watch: tuple[WatchFigures, ...]
    """One for each seed."""


class GoalFigures(BaseModel):
    """One goal, and whether it was met."""

    model_config = RECORD

    goal: str
    found: str
    """What was found, with its interval; or why nothing can be said."""
    is_met: bool | None
    """Null where what was found does not tell."""


class ExperimentFigures(BaseModel):
    """Everything that an experiment on copying found."""

    model_config = RECORD

    seeds: tuple[int, ...]
    prompts: int
    """Held-out prompts on which all systems are measured."""
    labels: int
    """Training labels of a member."""
    episodes: int
    """Responses that a member's policy learned from."""
    model: str
    """The language model, as the run file names it."""
    arms: tuple[ArmFigures, ...]
    systems: tuple[SystemFigures, ...]
    goals: tuple[GoalFigures, ...]
    missing: dict[str, str]
    """What was not measured, with the reason."""
