"""Mistakes in the loss of rankings; see `twins.py`."""

import torch

from prefloop.functional.preference_loss import best_of_k_accuracy, plackett_luce_loss


def plackett_luce_sign(scores, targets, present=None, *, denominator=None):
    """The order upside down: the last place is learned as the best."""
    return plackett_luce_loss(-scores, targets, present, denominator=denominator)


def plackett_luce_first_only(scores, targets, present=None, *, denominator=None):
    """The choice among all alone: what was said of the other places is thrown away."""
    rows = zip(_present(scores, present), targets, strict=True)
    first = torch.stack([row[:, 2 ** int(is_there.sum()) - 1] for is_there, row in rows])
    return _loss(scores, first, present, denominator)


def plackett_luce_among_all(scores, targets, present=None, *, denominator=None):
    """Every place is chosen among all: what is placed competes on."""
    return _loss(scores, targets.sum(2), present, denominator)


def plackett_luce_per_choice(scores, targets, present=None, *, denominator=None):
    """A mean over the choices: a question of eight counts no more than a pair."""
    losses = [
        plackett_luce_loss(
            scores[i : i + 1], targets[i : i + 1], _present(scores, present)[i : i + 1]
        )
        / targets[i].sum()
        for i in range(len(scores))
    ]
    return torch.stack(losses).sum() / (denominator or len(scores))


def accuracy_of_all_votes(scores, targets, present=None):
    """Votes for later places count as votes for the best."""
    votes = targets.sum(2) / targets.sum((1, 2))[:, None]
    return best_of_k_accuracy(scores, votes, present)


def _present(scores, present):
    return torch.ones_like(scores, dtype=torch.bool) if present is None else present


def _loss(scores, votes, present, denominator):
    is_there = _present(scores, present)
    logprobs = scores.masked_fill(~is_there, float("-inf")).log_softmax(1)
    return -(votes * logprobs.masked_fill(~is_there, 0.0)).sum() / (denominator or len(scores))
