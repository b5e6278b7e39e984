"""S4: the reward model reads the last token that counts, however much padding follows it.

Reported as trl#2778, PR #7318, pytorch/rl PR #3887: with the wrong side or the wrong id of the
padding a score is read at a pad token, or one token early.
"""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from prefloop.models.export import save_reward_model
from prefloop.models.padding import pad_left, pad_right
from prefloop.models.runtime import CPU
from prefloop.models.scoring import last_token_scores
from prefloop.rewards.model import RewardModel
from tests.stages_for_tests import OPENINGS, disturb, roles_on
from tests.tolerances import MODEL, RELOADED


@pytest.fixture
def reward_model(model_folder: Path) -> RewardModel:
    tokenizer, roles = roles_on(model_folder)
    disturb(roles.reward)
    return RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)


@pytest.fixture
def sequences(model_folder: Path) -> list[list[int]]:
    tokenizer, _ = roles_on(model_folder)
    return [tokenizer.encode(text) for text in OPENINGS]


@torch.no_grad()
def alone(model: RewardModel, sequences: list[list[int]]) -> torch.Tensor:
    """Score each sequence by itself: there is no padding to go wrong."""
    return torch.cat([model.forward([sequence]) for sequence in sequences])


@pytest.mark.parametrize("extra", [0, 1, 7, 30])
@torch.no_grad()
def test_no_amount_of_padding_moves_a_score_and_transformers_agrees(
    reward_model: RewardModel,
    sequences: list[list[int]],
    model_folder: Path,
    tmp_path: Path,
    extra: int,
) -> None:
    ids, mask = pad_right(sequences, reward_model.pad_id, device=CPU.device)
    ids = torch.nn.functional.pad(ids, (0, extra), value=reward_model.pad_id)
    mask = torch.nn.functional.pad(mask, (0, extra), value=False)
    expected = alone(reward_model, sequences)
    scores = last_token_scores(reward_model.role_model, reward_model.head.scores, ids, mask)
    torch.testing.assert_close(scores, expected, **MODEL)
    assert expected.std() > 0.1
    tokenizer, _ = roles_on(model_folder)
    save_reward_model(tmp_path / "r", reward_model.roles, reward_model.head, tokenizer)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "r")
    logits = theirs(ids, attention_mask=mask.long()).logits[:, 0]
    torch.testing.assert_close(scores, logits + theirs.config.reward_shift, **RELOADED)


@torch.no_grad()
def test_twins_that_read_the_last_position_or_pad_on_the_left_are_seen(
    reward_model: RewardModel, sequences: list[list[int]]
) -> None:
    expected = alone(reward_model, sequences)
    shorter = torch.tensor([len(s) < max(map(len, sequences)) for s in sequences])
    ids, mask = pad_right(sequences, reward_model.pad_id, device=CPU.device)
    last_position = reward_model.head.scores(reward_model.role_model.hidden(ids, mask)[:, -1])
    on_the_left = last_token_scores(
        reward_model.role_model,
        reward_model.head.scores,
        *pad_left(sequences, reward_model.pad_id, device=CPU.device),
    )
    for wrong in (last_position, on_the_left):
        with pytest.raises(AssertionError):
            torch.testing.assert_close(wrong, expected, **MODEL)
        assert ((wrong - expected).abs()[shorter] > 0.01).all()


def test_scores_do_not_depend_on_the_company(
    reward_model: RewardModel, sequences: list[list[int]]
) -> None:
    together = reward_model.score(sequences)
    backwards = reward_model.score(sequences[::-1]).flip(0)
    torch.testing.assert_close(together, backwards, **RELOADED)
    torch.testing.assert_close(together, alone(reward_model, sequences), **RELOADED)
