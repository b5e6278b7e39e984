"""Figures about reward against KL: the tuned model beside what can be reached."""

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.record import RECORD


class FrontierPointFigures(BaseModel):
    """The best trade-off at one KL coefficient, averaged over prompts."""

    model_config = RECORD

    beta: float
    """The KL coefficient."""
    kl_nats: float
    reward: float
    effective_samples: float
    """1 / sum(weight^2) of a prompt's samples; nine prompts in ten have as many or more. In files
    of version 0.1: the mean over prompts."""
    is_trustworthy: bool
    """Whether enough samples carry this point and all at smaller KL."""


class BestOfNFigures(BaseModel):
    """Drawing n responses and keeping the best one."""

    model_config = RECORD

    n: int
    kl_nats: float
    """log n - (n - 1) / n: an upper bound."""
    reward: float


class PlacedModelFigures(BaseModel):
    """Where a model lies: its KL from the reference in nats, and its reward."""

    model_config = RECORD

    kl_nats: EstimateFigure
    is_bound: bool = False
    """Whether the KL is an upper bound, as that of best of n, and was not measured."""
    reward: EstimateFigure


class FrontierFigures(BaseModel):
    """The best reachable reward at each KL, estimated from reference samples."""

    model_config = RECORD

    points: tuple[FrontierPointFigures, ...]
    """From small KL to large."""
    max_trustworthy_kl_nats: float
    """Beyond, too few samples carry the estimate."""
    max_expressible_kl_nats: float
    """log of the samples per prompt: no weighting of them reaches further."""
    n_prompts: int
    n_samples: int
    """Reference samples per prompt."""
    best_of_n: tuple[BestOfNFigures, ...]
    reference_reward: float
    model: PlacedModelFigures
    best_reward_at_kl: float | None
    """The best reachable reward at the model's KL; null beyond the trustworthy part."""
    share_of_best_gain: float | None
    """What the model gained over the reference, of what could be gained at its KL; of a gain at
    least so much if the KL is a bound."""
