"""Mistakes that taking measures out of scores is rebuilt with. Nothing of this is ever imported."""

from dataclasses import replace

import numpy as np

from prefloop.functional.held_out import shared_part


def over_all_questions(scores, measures, present):
    """One intercept for all: what differs between prompts counts as a reason."""
    one = scores[present][None], measures[present][None], np.ones((1, present.sum()), dtype=bool)
    return shared_part(*one)


def one_at_a_time(scores, measures, present):
    """Each measure by itself: what two share is taken out twice."""
    parts = [
        shared_part(scores, measures[..., m : m + 1], present) for m in range(measures.shape[2])
    ]
    found = shared_part(scores, measures, present)
    return replace(found, weights=np.concatenate([part.weights for part in parts]))


def as_if_all_were_there(scores, measures, present):
    """Samples that were never shown count with whatever stands in their place."""
    return shared_part(scores, measures, np.ones_like(present))


def put_in(scores, measures, present):
    """The wrong sign: the policy is paid twice for the measure."""
    found = shared_part(scores, measures, present)
    return replace(found, weights=-found.weights)
