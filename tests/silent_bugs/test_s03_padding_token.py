"""S3: a token counts because of where it stands, not because of its id.

Reported as trl PR 5303: the padding token is the end-of-text token, so a real end-of-text is masked
out of value and reward.
"""

from pathlib import Path

import torch

from prefloop.functional.rewards import shape_rewards
from prefloop.functional.truncation import stop_index, truncation_mask
from prefloop.models.loading import PAD_TOKEN, load_tokenizer
from prefloop.rewards.model import RewardModel
from prefloop.settings.samples import SamplesConfig
from tests.models_for_tests import save_gpt2
from tests.stages_for_tests import PROMPTS, roles_on, sampler_on
from tests.tolerances import MODEL

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


def pads_with_end_of_text(folder: Path) -> Path:
    """Save a model whose tokenizer names one token for both, as SmolLM2's and many others do."""
    save_gpt2(folder)
    tokenizer = load_tokenizer(folder).hf_tokenizer
    assert tokenizer.eos_token == "<|endoftext|>"
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    return folder


def test_padding_is_another_token_where_the_tokenizer_pads_with_end_of_text(tmp_path: Path) -> None:
    tokenizer, roles = roles_on(pads_with_end_of_text(tmp_path))
    assert tokenizer.hf_tokenizer.pad_token == PAD_TOKEN
    end = tokenizer.hf_tokenizer.eos_token_id
    assert tokenizer.pad_id != end == tokenizer.encode("<|endoftext|>")[0]
    sampler = sampler_on(tokenizer, roles, SamplesConfig(banned="pad"))
    assert not sampler.banned[end] and sampler.banned[tokenizer.pad_id]
    assert sampler.reward_ids(PROMPTS[0].text, [60, end, 61])[-3:] == [60, end, 61]


def test_a_real_end_of_text_is_read_by_a_reward_model_that_pads(tmp_path: Path) -> None:
    tokenizer, roles = roles_on(pads_with_end_of_text(tmp_path))
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    end = tokenizer.hf_tokenizer.eos_token_id
    short, long = [60, 61, end], [60, 61, 62, 63, end, 64, 65]
    alone = torch.cat([model.score([short]), model.score([long])])
    torch.testing.assert_close(model.score([short, long]), alone, **MODEL)
    assert (model.score([[60, 61]]) - alone[0]).abs() > 0.01, "the end is not padding"
