"""How well scores agree with what people chose.

Shapes: B = batch of comparisons, K = responses in the largest of them.
A comparison with fewer responses is padded, and `present` is True where a response exists.
Targets are probabilities: a single vote is one-hot, a tie or a disagreement is spread out.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def best_of_k_loss(
    scores: Float[Tensor, "B K"],
    targets: Float[Tensor, "B K"],
    present: Bool[Tensor, "B K"] | None = None,
    *,
    denominator: int | None = None,
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy between the targets and the softmax of the scores.

        loss = - mean_b sum_k targets_k log [ exp(scores_k) / sum_j exp(scores_j) ]

    Chance is log K. For K = 2 it is the Bradley-Terry loss, -log sigmoid(chosen - rejected).
    Only differences of scores matter. `denominator` is the number of comparisons in the whole
    minibatch, so that its microbatches add up; without it, B.
    Ziegler et al. 2019, arXiv:1909.08593, eq. 1 (with the minus sign that is missing there).
    """
    present = _everything(scores) if present is None else present
    _check(targets, present)
    logprobs = _absent_never(scores, present).log_softmax(dim=1)
    terms = targets * logprobs.masked_fill(~present, 0.0)
    return -terms.sum() / (scores.shape[0] if denominator is None else denominator)


def best_of_k_accuracy(
    scores: Float[Tensor, "B K"],
    targets: Float[Tensor, "B K"],
    present: Bool[Tensor, "B K"] | None = None,
) -> Float[Tensor, " B"]:
    """Return, for each comparison, how far the best score agrees with the best target.

        credit = n(both best) / (n(best by score) * n(best by target))

    1 or 0 where both are unique. Ties share: the credit is the chance that one drawn among the best
    by score is the one drawn among the best by target. Equal scores thus earn 1/K, not the luck of
    standing first.
    """
    present = _everything(scores) if present is None else present
    _check(targets, present)
    scores = _absent_never(scores, present)
    targets = _absent_never(targets, present)
    by_score = scores == scores.amax(dim=1, keepdim=True)
    by_target = targets == targets.amax(dim=1, keepdim=True)
    both = (by_score & by_target).sum(dim=1)
    return both / (by_score.sum(dim=1) * by_target.sum(dim=1))


def _everything(scores: Float[Tensor, "B K"]) -> Bool[Tensor, "B K"]:
    return torch.ones_like(scores, dtype=torch.bool)


def _absent_never(x: Float[Tensor, "B K"], present: Bool[Tensor, "B K"]) -> Float[Tensor, "B K"]:
    return x.masked_fill(~present, float("-inf"))


def _check(targets: Float[Tensor, "B K"], present: Bool[Tensor, "B K"]) -> None:
    """Refuse what would train in silence on nonsense."""
    if not bool(present.any(dim=1).all()):
        raise ValueError("a comparison has no response that is present")
    if bool((targets.masked_fill(present, 0.0) != 0).any()):
        raise ValueError("a target gives probability to a response that is not present")
    total = targets.sum(dim=1)
    if bool((targets < 0).any()) or bool(((total - 1.0).abs() > 1e-4).any()):
        raise ValueError(f"targets must be probabilities that sum to 1; got sums {total.tolist()}")
