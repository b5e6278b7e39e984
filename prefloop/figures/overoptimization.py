"""Figures on how far a policy may go (`audits/overoptimization.json`)."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.check_result import CheckResult
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD

CurveAnswer = Literal["stop here", "unsure", "still rises", "falls from the start", "too little"]
"""`unsure`: highest within what was seen, but not surely. `too little`: no curve was fitted."""


class OverOptimizationPointFigures(BaseModel):
    """One policy, or the best of n by the reward."""

    model_config = RECORD

    name: str
    kl_nats: float
    """Of best of n: log n - (n - 1) / n, an upper bound."""
    proxy: float
    """What the policy is trained towards, above the reference."""
    gain: EstimateFigure
    """The held-out score above the reference's, on the same prompts."""


class OverOptimizationCurveFigures(BaseModel):
    """A score that nobody trained towards, against the KL."""

    model_config = RECORD

    kind: Literal["policies", "best of n"]
    judge: str
    """Whose score it is; of people it is the share that preferred the model, less a half."""
    prompts: int
    points: tuple[OverOptimizationPointFigures, ...]
    """From small KL to large; without the reference, which is 0 by definition."""
    alpha: float | None
    """Of R(d) = d (alpha - beta d) for best of n, d (alpha - beta log d) for policies; d is the
    root of the KL. Null where no curve was fitted."""
    beta: float | None
    answer: CurveAnswer
    peak_kl: EstimateFigure | None
    """Where the curve is highest, in nats; null unless that lies within what was seen. An end of
    its interval that does not is null."""
    message: str
    """The answer in a sentence."""


class OverOptimizationFigures(BaseModel):
    """From which KL on does more of the reward bring less of what a held-out judge wants?"""

    model_config = RECORD

    proxy: str
    """What the policy is trained towards."""
    reward_model: str | None
    """A hash of the reward model's figures: of one that was trained again this is outdated. Null
    where the policy follows a scorer."""
    policies: tuple[str, ...] = ()
    """The policies that an evaluation or this audit had drawn: once another one is evaluated, after
    more rounds or a roll back, this is outdated. Empty in files from before this was kept."""
    curves: tuple[OverOptimizationCurveFigures, ...]
    left_out: dict[str, str]
    """Judges and policies that were not looked at, with the reason."""
    notes: tuple[str, ...]
    """What to keep in mind when reading the curves."""
    findings: tuple[CheckResult, ...]
    """In the words of the doctor."""

    @property
    def fitted(self) -> tuple[OverOptimizationCurveFigures, ...]:
        """The curves that could be fitted."""
        return tuple(curve for curve in self.curves if curve.alpha is not None)
