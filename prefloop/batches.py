"""Batches of padded tensors that samples, rewards and policy exchange.

Shapes: B = batch of responses, Q = query tokens (padded on the left), T = response tokens,
K = responses in the largest comparison.
A mask is True where a token counts. No other polarity exists here.
"""

from dataclasses import dataclass, replace

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One collected batch of responses: everything a method needs, computed once.

    Responses to one prompt are neighbors. Outside the mask is padding, with log-probability 0.
    """

    query: Int[Tensor, "B Q"]
    query_mask: Bool[Tensor, "B Q"]
    response: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]
    """Which response tokens count in losses and KL."""
    is_ended: Bool[Tensor, " B"]
    logprobs: Float[Tensor, "B T"]
    ref_logprobs: Float[Tensor, "B T"]
    values: Float[Tensor, "B T"] | None
    """None for a method without a value head."""
    scores: Float[Tensor, " B"]
    spread: Float[Tensor, " B"] | None = None
    """How far the members of a reward model's ensemble disagree on each response that ended, as a
    multiple of their mean spread on reference samples; None where there is no ensemble."""
    votes: Float[Tensor, " B"] | None = None
    """Of labeled pairs: how often a response was preferred to the other of its pair; None for what
    the policy drew."""
    reference_scores: Float[Tensor, "B N"] | None = None
    """Scores of N responses of the reference to each response's prompt; None unless the method asks
    for them."""
    prefix_states: Float[Tensor, "B L D"] | None = None
    """Frozen-layer outputs for query and response; None if every layer is trained."""

    def rows(self, rows: Int[Tensor, " N"]) -> "Rollout":
        """Return some responses of the rollout, in the order of `rows`."""
        present = {name: value for name, value in vars(self).items() if value is not None}
        return replace(self, **{name: value[rows] for name, value in present.items()})


@dataclass(frozen=True, kw_only=True)
class PreferenceBatch:
    """Comparisons as token ids, with their labels as the loss takes them."""

    sequences: tuple[tuple[tuple[int, ...], ...], ...]
    """For every comparison its query + response, one tuple of ids per response shown."""
    targets: Float[Tensor, "B K ..."]
    """0 where a comparison has fewer than K responses. For a choice of the best sample each row
    sums to 1: a single vote is one-hot, a tie or disagreement is spread out. For a ranking: votes
    among each set of responses, shape (B, K, 2^K)."""
    present: Bool[Tensor, "B K"]
    """False where a comparison has fewer than K responses."""
    loss: str = "best_of_k"
    """The name of the loss in `label_types/losses.py`."""
    counts: Int[Tensor, "M B"] | None = None
    """How often each member of an ensemble sees a comparison; None: once."""
