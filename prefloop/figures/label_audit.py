"""Figures about the labels of a run (`audits/labels.json`): which shortcuts explain the choices."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.check_result import CheckResult
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD

ContrastStatus = Literal["found", "not found", "not enough evidence"]


class VersionWeightFigures(BaseModel):
    """The weight of one shortcut in answers under one version of the instructions."""

    model_config = RECORD

    version: str
    """Of the instructions."""
    coefficient: EstimateFigure


class LabelerWeightFigures(BaseModel):
    """The weight of one shortcut in the answers of one labeler."""

    model_config = RECORD

    labeler: str
    n: int
    """Answers by them."""
    coefficient: float
    """Drawn towards the mean of all, as far as it is uncertain."""


class LabelerSpreadFigures(BaseModel):
    """How far labelers differ in the weight of one shortcut."""

    model_config = RECORD

    sd: float
    """Standard deviation between labelers beyond chance (DerSimonian and Laird 1986)."""
    labelers: int
    """Those with enough answers to have a weight of their own."""
    least: LabelerWeightFigures
    most: LabelerWeightFigures


class ShortcutFigures(BaseModel):
    """What one shortcut explains of the choices."""

    model_config = RECORD

    name: str
    title: str
    """What is counted, such as `copied words`."""
    counts: str
    """What a rule does that knows nothing else, such as `counts copied words`."""
    unit: float
    """The spread of the figure within a question, which coefficients are per."""
    coefficient: EstimateFigure
    """Log-odds of being chosen per `unit`, the other shortcuts held equal."""
    alone: EstimateFigure
    """Weight of the shortcut without the others: its sign says which way the rule goes."""
    agreement: EstimateFigure
    """Share of the choices that a rule with this shortcut alone predicts, out of fold by prompt."""
    skill: float
    """(agreement - chance) / (1 - chance)."""
    is_beyond_chance: bool
    """Whether the agreement lies above chance at 1 % over all shortcuts together."""
    when_fast: EstimateFigure | None
    """How much larger the coefficient is in the fastest third of each labeler's answers; null
    where too few answers record their time."""
    is_stronger_when_fast: bool
    """Whether that takes it further from 0, at 1 % over all shortcuts together."""
    spread: LabelerSpreadFigures | None
    """Null with fewer than two labelers who have enough answers."""
    versions: tuple[VersionWeightFigures, ...]
    """One for each version of the instructions with enough choices, if there are several, but for
    those in whose answers no two samples differ in the shortcut."""


class ContrastFigures(BaseModel):
    """Questions in which a copy met a sample that is none, and how often the copy was taken."""

    model_config = RECORD

    answers: int
    """Choices in such questions: the first about each prompt, in the order in which they came."""
    all_answers: int
    """With those about prompts that had one before: they show samples that it has shown."""
    questions: int
    """Questions that were answered."""
    share: float
    """Share of the questions in which a copy met a sample that is none."""
    taken: EstimateFigure | None
    """Share of these choices that took a copy; null without any."""
    chance: float | None
    """The same if copying makes no difference."""
    looked_at: int
    """Answers at the latest look; 0 before the first."""
    next_look: int
    """Answers at which it is looked at next."""
    needed: int
    """Answers that show it in 95 % of runs where people take a copy as often as those of QAGS."""
    status: ContrastStatus
    """`found`: at one of the looks copies were taken more often than chance allows, at 1 % over all
    looks together."""


class LabelAuditFigures(BaseModel):
    """What labelers rewarded, as far as simple rules explain it."""

    model_config = RECORD

    fingerprint: str
    """A hash of the labels, the settings and the measures: the same give the same figures."""
    ledger_events: int
    """Events of the ledger when the labels were read."""
    labels: int
    """Labels that count: those of excluded labelers do not."""
    choices: int
    """Those that choose one best sample."""
    ties: int
    """Those that prefer none, ties or all of them bad: they count as split wins."""
    labelers: int
    questions: int
    least_choices: int
    """Choices that figures need."""
    chance: float | None
    """Share of the choices that a random rule predicts; null without choices."""
    together: EstimateFigure | None
    """Share of the choices that all shortcuts together predict; null without enough choices."""
    shortcuts: tuple[ShortcutFigures, ...]
    """Those that predict most first; empty without enough choices."""
    contrast: ContrastFigures | None
    """Null where there is nothing to copy from."""
    left_out: dict[str, str]
    """What was not looked at, with the reason."""
    notes: tuple[str, ...]
    """What a reader must know to read the figures, such as that one labeler answered everything."""
    findings: tuple[CheckResult, ...]
    """In the words of the doctor."""

    @property
    def first_warning(self) -> CheckResult | None:
        """The first finding that asks for something."""
        return next((f for f in self.findings if f.status in ("warn", "bad")), None)
