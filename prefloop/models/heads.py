"""The two scalar heads: value and score."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from prefloop.models.runtime import FULL_PRECISION, RandomStream, Runtime


class ScalarHead(nn.Linear):
    """A linear head in full precision, whatever the type of the hidden states that it reads."""

    def __init__(self, width: int, n_outputs: int, runtime: Runtime, *, bias: bool) -> None:
        super().__init__(width, n_outputs, bias=bias, device=runtime.device, dtype=FULL_PRECISION)

    def forward(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... M"]:
        """Return each output at every hidden state."""
        return super().forward(hidden.to(self.weight.dtype))


class ValueHead(ScalarHead):
    """V(query, response so far), one number per token.

    It starts at exactly 0, so that the first advantages hold no random numbers
    (Ziegler et al. 2019, released code; detail 11).
    """

    def __init__(self, width: int, runtime: Runtime) -> None:
        super().__init__(width, 1, runtime, bias=True)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def values(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Return one value per hidden state."""
        return self(hidden).squeeze(-1)  # type: ignore[no-any-return]


class ScoreHead(ScalarHead):
    """The reward model's head: named `score`, without bias, as transformers has it.

    The normalization's gain is folded into the weight. Its shift is a number beside it, because
    the architecture has no place for one; a saved reward model carries it as
    `config.reward_shift`.

    An ensemble has a row of weights and a shift for each of its M members. The score is their mean,
    which is a linear head too: it is saved as one, and nothing is lost.
    """

    def __init__(self, width: int, *, seed: int, runtime: Runtime, members: int = 1) -> None:
        super().__init__(width, members, runtime, bias=False)
        self.shifts = [0.0] * members
        self.reset(seed)

    @property
    def members(self) -> int:
        """Linear heads whose mean is the score."""
        return self.out_features

    @property
    def shift(self) -> float:
        """What is added to every score."""
        return math.fsum(self.shifts) / self.members

    @property
    def mean_weight(self) -> Float[Tensor, "1 D"]:
        """The weight of the score."""
        return self.weight if self.members == 1 else self.weight.mean(dim=0, keepdim=True)

    def reset(self, seed: int) -> None:
        """Draw the weights from Normal(0, 1/sqrt(width + 1)) (detail 8); shifts 0."""
        noise = RandomStream(seed).normal(self.weight.shape, device=self.weight.device)
        with torch.no_grad():
            self.weight.copy_(noise / (self.in_features + 1) ** 0.5)
        self.shifts = [0.0] * self.members

    def scores(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "..."]:
        """Return one score per hidden state, shift included."""
        exact = hidden.to(self.weight.dtype)
        return nn.functional.linear(exact, self.mean_weight).squeeze(-1) + self.shift

    def member_scores(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... M"]:
        """Return what each member says of every hidden state, shifts included."""
        scores = self(hidden)
        return scores + scores.new_tensor(self.shifts)  # type: ignore[no-any-return]

    def rescale(self, gain: float, shifts: Sequence[float]) -> None:
        """Make what each member says in future `gain * score + shift`, with a shift of its own."""
        with torch.no_grad():
            self.weight.mul_(gain)
        self.shifts = [gain * old + new for old, new in zip(self.shifts, shifts, strict=True)]
