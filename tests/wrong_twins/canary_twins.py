"""Signs that are turned between a score and what a method learns from, and labels on their way."""

from dataclasses import replace

from prefloop.functional.rewards import sequence_rewards, shape_rewards


def reward_turned(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The score counts against the response."""
    return shape_rewards(-scores, logprobs, ref_logprobs, mask, kl_coef=kl_coef)


def kl_turned(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """Leaving the reference is paid for."""
    return shape_rewards(scores, logprobs, ref_logprobs, mask, kl_coef=-kl_coef)


def both_turned(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """2019: one refactoring turned both, and fluent text became as bad as it could be."""
    return shape_rewards(-scores, logprobs, ref_logprobs, mask, kl_coef=-kl_coef)


def both_turned_per_response(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The same for a method with one reward a response."""
    return -sequence_rewards(scores, logprobs, ref_logprobs, mask, kl_coef=kl_coef)


def kl_per_token(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """Nats per token instead of per response."""
    return sequence_rewards(
        scores, logprobs / mask.shape[1], ref_logprobs / mask.shape[1], mask, kl_coef=kl_coef
    )


def chosen_by_place_shown(target):
    """The label is read as a place in the order shown."""

    def found(self, label, sample_ids):
        shown = replace(label, chosen=sample_ids[label.shown.index(label.chosen)])
        return target(self, shown, sample_ids)

    return found


def chosen_last(target):
    """The best is taken for the worst, as in a list that was sorted the other way."""
    return lambda self, label, sample_ids: target(self, label, sample_ids[::-1])


def winner_turned(preferred_pairs):
    """The winner of each pair is read as the loser, as where two columns changed places."""
    return lambda self, label: [pair[::-1] for pair in preferred_pairs(self, label)]


def votes_turned(rows):
    """The pair is right and its votes are not: they come in another order than the responses."""
    return rows._replace(votes=rows.votes.reshape(-1, 2).flip(1).flatten())


def first_always_right(scores, targets, present=None):
    """ms-swift#9370: an accuracy of 1.0 whichever way round the pair is."""
    return scores[:, 0] * 0.0 + 1.0
