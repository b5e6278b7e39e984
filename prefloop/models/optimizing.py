"""Steps that every trainer shares: setting Adam's numbers, refusing a loss that is not finite."""

import math

import torch

from prefloop.errors import DivergedError


def set_adam(optimizer: torch.optim.Optimizer, *, lr: float, eps: float) -> None:
    """Set the step size and epsilon of the coming step."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        group["eps"] = eps


def refuse_nan(value: float, name: str, advice: str) -> None:
    """Raise a DivergedError before a number that is not finite reaches the weights."""
    if not math.isfinite(value):
        raise DivergedError(
            f"{name} became {value}. The weights were not touched by it, and the last checkpoint "
            f"is good: {advice}, and run the same command again."
        )
