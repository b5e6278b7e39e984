"""S2: what truncates a response is what makes it count as ended.

Reported as trl PR 5338: the penalty looks for end-of-text while another token truncates, so every
response is penalized, or none.
"""

import torch

from prefloop.functional.rewards import penalize_unended, shape_rewards
from prefloop.functional.truncation import stop_index, truncation_mask
from tests.tolerances import EXACT

PERIOD, END_OF_TEXT, WORD = 1, 2, 3
IS_STOP = torch.tensor([False, True, False, False])
RESPONSE = torch.tensor(
    [
        [WORD, PERIOD, WORD, WORD],
        [WORD, WORD, END_OF_TEXT, WORD],
        [WORD, END_OF_TEXT, PERIOD, WORD],
    ]
)
SCORES = torch.tensor([5.0, 6.0, 7.0])


def test_only_the_response_without_the_stop_is_penalized() -> None:
    stop = stop_index(RESPONSE, IS_STOP, earliest=0)
    scores = penalize_unended(SCORES, stop >= 0, penalty=-1.0)
    torch.testing.assert_close(scores, torch.tensor([5.0, -1.0, 7.0]), **EXACT)


def test_twin_that_looks_for_end_of_text_penalizes_the_wrong_ones() -> None:
    is_ended = (RESPONSE == END_OF_TEXT).any(dim=1)
    scores = penalize_unended(SCORES, is_ended, penalty=-1.0)
    assert scores.tolist() == [-1.0, 6.0, 7.0]


def test_score_lands_on_the_stop_token_itself() -> None:
    stop = stop_index(RESPONSE, IS_STOP, earliest=0)
    zeros = torch.zeros(3, 4)
    rewards, _ = shape_rewards(SCORES, zeros, zeros, truncation_mask(stop, 4), kl_coef=0.1)
    assert rewards.nonzero().tolist() == [[0, 1], [1, 3], [2, 2]]
    assert RESPONSE[0, 1] == RESPONSE[2, 2] == PERIOD


def test_a_stop_before_the_earliest_index_neither_truncates_nor_ends() -> None:
    stop = stop_index(RESPONSE, IS_STOP, earliest=2)
    assert stop.tolist() == [-1, -1, 2]
    assert truncation_mask(stop, 4).sum(dim=1).tolist() == [4, 4, 3]
