"""The two scalar heads: value and score."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from prefloop.models.runtime import RandomStream, Runtime


class ValueHead(nn.Linear):
    """V(query, response so far), one number per token.

    It starts at exactly 0, so that the first advantages hold no random numbers
    (Ziegler et al. 2019, released code; detail 11).
    """

    def __init__(self, width: int, runtime: Runtime) -> None:
        super().__init__(width, 1, device=runtime.device, dtype=runtime.dtype)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def values(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Return one value per hidden state."""
        return self(hidden).squeeze(-1)  # type: ignore[no-any-return]


class ScoreHead(nn.Linear):
    """The reward model's head: named `score`, without bias, as transformers has it.

    The normalization's gain is folded into the weight. Its shift is a number beside it, because
    the architecture has no place for one; a saved reward model carries it as
    `config.reward_shift`.
    """

    def __init__(self, width: int, *, seed: int, runtime: Runtime) -> None:
        super().__init__(width, 1, bias=False, device=runtime.device, dtype=runtime.dtype)
        self.shift = 0.0
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Draw the weight from Normal(0, 1/sqrt(width + 1)) (detail 8); shift 0."""
        noise = RandomStream(seed).normal(self.weight.shape, device=self.weight.device)
        with torch.no_grad():
            self.weight.copy_(noise / (self.in_features + 1) ** 0.5)
        self.shift = 0.0

    def scores(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Return one score per hidden state, shift included."""
        return self(hidden).squeeze(-1) + self.shift  # type: ignore[no-any-return]

    def rescale(self, gain: float, shift: float) -> None:
        """Make every future score `gain * score + shift`."""
        with torch.no_grad():
            self.weight.mul_(gain)
        self.shift = gain * self.shift + shift
