"""Muon (Jordan et al. 2024) in float32.

torch.optim.Muon does its matrix products in bfloat16, which a CPU without units for it does far
slower than float32: a training step took more than ten seconds instead of three.
"""

from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
MOMENTUM = 0.95


def orthogonalise(update: torch.Tensor) -> torch.Tensor:
    """Bring all singular values of a matrix near one, by Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    wide = update if update.shape[0] <= update.shape[1] else update.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide is update else x.T


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is made orthogonal, scaled to the size of Adam's steps."""

    def __init__(self, parameters: Iterable[torch.Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every matrix once."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self.update(parameter, group["lr"], group["weight_decay"])

    def update(self, parameter: torch.Tensor, rate: float, decay: float) -> None:
        """Nesterov momentum, orthogonalised; 0.2 sqrt(side) gives it the mean square of Adam's."""
        momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
        momentum.lerp_(parameter.grad, 1 - MOMENTUM)
        direction = orthogonalise(parameter.grad.lerp(momentum, MOMENTUM))
        parameter.mul_(1 - rate * decay)
        parameter.add_(direction, alpha=-rate * 0.2 * max(parameter.shape) ** 0.5)
