"""S3: a token counts because of where it stands, not because of its id.

Reported as trl PR 5303: the padding token is the end-of-text token, so a real end-of-text is masked
out of value and reward.
"""

import torch

from prefloop.functional.rewards import shape_rewards
from prefloop.functional.truncation import stop_index, truncation_mask

END_OF_TEXT = PAD = 0
IS_STOP = torch.tensor([True, False, False, False])
RESPONSE = torch.tensor([[2, 3, END_OF_TEXT, PAD, PAD], [2, 3, 3, 2, END_OF_TEXT]])


def test_the_sampled_end_of_text_counts_and_the_padding_after_it_does_not() -> None:
    mask = truncation_mask(stop_index(RESPONSE, IS_STOP, earliest=0), 5)
    assert mask.tolist() == [[True, True, True, False, False], [True] * 5]


def test_its_reward_carries_the_score() -> None:
    mask = truncation_mask(stop_index(RESPONSE, IS_STOP, earliest=0), 5)
    zeros = torch.zeros(2, 5)
    rewards, _ = shape_rewards(torch.ones(2), zeros, zeros, mask, kl_coef=0.1)
    assert rewards.nonzero().tolist() == [[0, 2], [1, 4]]


def test_twin_that_masks_by_id_drops_the_real_token() -> None:
    mask = RESPONSE != PAD
    assert mask.tolist() == [[True, True, False, False, False], [True] * 4 + [False]]


def test_padding_inside_a_response_that_does_not_stop_on_it_stays() -> None:
    other_stop = torch.tensor([False, False, False, True])
    response = torch.tensor([[2, PAD, 2, 3, PAD]])
    mask = truncation_mask(stop_index(response, other_stop, earliest=0), 5)
    assert mask.tolist() == [[True, True, True, True, False]]


def test_a_padding_id_outside_the_vocabulary_never_stops() -> None:
    response = torch.tensor([[2, 3, 50_259, -100]])
    is_stop = torch.tensor([False, False, False, True])
    assert stop_index(response, is_stop, earliest=0).tolist() == [1]
    assert stop_index(response, is_stop, earliest=2).tolist() == [-1]
