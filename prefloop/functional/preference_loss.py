"""How well scores agree with what people chose.

Shapes: B = batch of comparisons, K = responses in the largest of them, S = 2^K sets of them.
A comparison with fewer responses is padded, and `present` is True where a response exists.
Targets are probabilities: a single vote is one-hot, a tie or a disagreement is spread out.
"""

import torch
from jaxtyping import Bool, Float, Int, Shaped
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


def plackett_luce_loss(
    scores: Float[Tensor, "B K"],
    targets: Float[Tensor, "B K S"],
    present: Bool[Tensor, "B K"] | None = None,
    *,
    denominator: int | None = None,
) -> Float[Tensor, ""]:
    """Return the mean negative log-likelihood of orders of the responses, under soft targets.

        P(order) = prod_i exp(score_i) / sum_{j at place i or later} exp(score_j)
        loss     = - mean_b sum_n sum_{i in n} targets_in [score_i - log sum_{j in n} exp(score_j)]

    Set n holds response j where bit j of n is 1, and `targets_in` is how often i was chosen first
    among n: 1 for each of the k - 1 choices of one order, the mean over several. Chance is log k!.
    With the choice among all alone it is `best_of_k_loss`. `denominator` as there.
    Luce 1959, *Individual Choice Behavior*; Plackett 1975, J. R. Stat. Soc. C 24:193, eq. 1.
    """
    present = _everything(scores) if present is None else present
    _check_votes(targets, present)
    scores = scores.masked_fill(~present, 0.0)
    is_in = _members(scores)
    # The empty set has no votes; with all responses in it, its logarithm is finite.
    is_in = torch.cat([torch.ones_like(is_in[:1]), is_in[1:]])
    levels = scores[:, None, :].masked_fill(~is_in, float("-inf")).logsumexp(dim=2)
    terms = targets * (scores[:, :, None] - levels[:, None, :])
    return -terms.sum() / (scores.shape[0] if denominator is None else denominator)


def plackett_luce_accuracy(
    scores: Float[Tensor, "B K"],
    targets: Float[Tensor, "B K S"],
    present: Bool[Tensor, "B K"] | None = None,
) -> Float[Tensor, " B"]:
    """Return `best_of_k_accuracy` of the choice among all responses, for each comparison."""
    present = _everything(scores) if present is None else present
    return best_of_k_accuracy(scores, _first_votes(targets, present), present)


def _first_votes(
    targets: Float[Tensor, "B K S"], present: Bool[Tensor, "B K"]
) -> Float[Tensor, "B K"]:
    """Return the votes in the choice among all responses that are present."""
    everything = (present * _powers(present)).sum(dim=1)
    return targets.gather(2, everything[:, None, None].expand(-1, targets.shape[1], 1)).squeeze(2)


def _members(x: Shaped[Tensor, "B K"]) -> Bool[Tensor, "S K"]:
    """Return which of the K responses each set holds, by the bits of its number."""
    sets = torch.arange(2 ** x.shape[1], device=x.device)
    return (sets[:, None] & _powers(x)) != 0


def _powers(x: Shaped[Tensor, "B K"]) -> Int[Tensor, " K"]:
    return 2 ** torch.arange(x.shape[1], device=x.device)


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


def _check_votes(targets: Float[Tensor, "B K S"], present: Bool[Tensor, "B K"]) -> None:
    """Refuse votes outside their sets, for what is not present, or without a choice among all."""
    if targets.shape[2] != 2 ** targets.shape[1]:
        raise ValueError(f"votes need 2^K sets of K responses; got shape {tuple(targets.shape)}")
    is_in = _members(present)
    if bool((targets.masked_fill(is_in.T, 0.0) != 0).any()):
        raise ValueError("a vote chooses a response that is not in its set")
    is_whole = ~(is_in & ~present[:, None, :]).any(dim=2)
    if bool((targets.masked_fill(is_whole[:, None, :], 0.0) != 0).any()):
        raise ValueError("a vote is among responses of which one is not present")
    if bool((targets < 0).any()):
        raise ValueError("votes must not be negative")
    _check(_first_votes(targets, present), present)
