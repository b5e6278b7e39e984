"""The stop rule and what follows from it: what labelers and the reward model see."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from transformers import AutoModelForCausalLM

from prefloop.models.generation import ENDED
from prefloop.models.loading import load_tokenizer
from prefloop.samples.sampler import Sampler
from prefloop.settings.samples import SamplesConfig
from tests.stages_for_tests import PROMPTS, Rule, roles_on, sampler_on, token_of
from tests.tolerances import EXACT, MODEL

RULE: Rule = {"stop": ".", "stop_min": 2, "response_tokens": 6, "prefix": "Q: ", "suffix": " A:"}


@pytest.fixture
def sampler(gpt2_folder: Path) -> Sampler:
    return sampler_on(*roles_on(gpt2_folder), **RULE)


def test_cut_after_the_first_stop_that_is_late_enough(sampler: Sampler) -> None:
    stop = token_of(sampler.tokenizer, ".")
    response = torch.tensor(
        [
            [60, 61, stop, 62, stop, 63],
            [stop, stop, 60, 61, stop, 62],
            [stop, 60, 61, 62, 63, 64],
            [60, 61, 62, 63, 64, stop],
        ]
    )
    stop_mask = sampler.stop_rule.apply(response)
    assert stop_mask.is_ended.tolist() == [True, True, False, True]
    assert stop_mask.mask.sum(dim=1).tolist() == [3, 5, 6, 6]
    for row, mask in zip(response, stop_mask.mask, strict=True):
        assert sampler.stop_rule.cut(row.tolist()) == row[mask].tolist()
        assert sampler.text_of(row.tolist()) == sampler.tokenizer.decode(row[mask].tolist())


def test_generation_ends_a_response_where_the_mask_ends_it(sampler: Sampler) -> None:
    stop = token_of(sampler.tokenizer, ".")
    response = torch.tensor([[stop] * 6])
    start = torch.zeros(1, dtype=torch.long)
    ends = [bool(sampler.stop_rule.advance(start, response[:, i], i) == ENDED) for i in range(6)]
    assert ends == [False, False, True, True, True, True]
    assert int(sampler.stop_rule.apply(response).mask.sum()) == ends.index(True) + 1


def test_labelers_see_no_null_character(sampler: Sampler) -> None:
    ids = sampler.tokenizer.encode("a\0b")
    assert "\0" in sampler.tokenizer.decode(ids)
    assert sampler.text_of(ids) == "a\N{REPLACEMENT CHARACTER}b"


def test_without_a_stop_every_response_is_whole(gpt2_folder: Path) -> None:
    sampler = sampler_on(*roles_on(gpt2_folder))
    response = torch.tensor([[60, token_of(sampler.tokenizer, "."), 61]])
    stop_mask = sampler.stop_rule.apply(response)
    assert stop_mask.is_ended.all() and stop_mask.mask.all()
    assert sampler.stop_rule.cut(response[0].tolist()) == response[0].tolist()


def test_the_policy_sees_prefix_and_suffix_and_the_reward_model_does_not(
    sampler: Sampler,
) -> None:
    encode, stop = sampler.tokenizer.encode, token_of(sampler.tokenizer, ".")
    text = PROMPTS[0].text
    assert sampler.query_ids(PROMPTS[0]) == encode("Q: ") + encode(text) + encode(" A:")
    assert sampler.reward_ids(text, [60, 61, stop, 62]) == [*encode(text), 60, 61, stop]


def test_after_stop_decides_what_losses_see(gpt2_folder: Path, sampler: Sampler) -> None:
    stop = token_of(sampler.tokenizer, ".")
    stop_mask = sampler.stop_rule.apply(torch.tensor([[60, 61, stop, 62, 63, 64]]))
    torch.testing.assert_close(sampler.loss_mask(stop_mask), stop_mask.mask, **EXACT)
    config = SamplesConfig(after_stop="train")
    trained = sampler_on(*roles_on(gpt2_folder), config, **RULE)
    assert trained.loss_mask(stop_mask).all()


@pytest.mark.parametrize("banned", ["pad", "special"])
def test_banned_tokens_are_padding_or_all_special_ones(gpt2_folder: Path, banned: str) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles, SamplesConfig(banned=banned))  # type: ignore[arg-type]
    expected = {tokenizer.pad_id} if banned == "pad" else {tokenizer.pad_id, 0}
    assert set(sampler.banned.nonzero()[:, 0].tolist()) == expected


@pytest.mark.parametrize("banned", ["pad", "special"])
def test_ids_beyond_the_tokenizer_are_never_sampled(
    gpt2_folder: Path, tmp_path: Path, banned: Literal["pad", "special"]
) -> None:
    """Many models have more rows than tokens; such an id has no text and no meaning."""
    n_tokens = len(load_tokenizer(gpt2_folder).hf_tokenizer)
    model = AutoModelForCausalLM.from_pretrained(gpt2_folder)
    model.resize_token_embeddings(n_tokens + 7, mean_resizing=False)
    with torch.no_grad():  # They would be by far the most likely ones.
        model.transformer.ln_f.bias[0] = 30.0
        model.get_output_embeddings().weight[n_tokens:, 0] += 1.0
    model.save_pretrained(tmp_path)
    load_tokenizer(gpt2_folder).hf_tokenizer.save_pretrained(tmp_path)
    tokenizer, roles = roles_on(tmp_path)
    sampler = sampler_on(tokenizer, roles, SamplesConfig(banned=banned))
    assert len(sampler.banned) == n_tokens + 7
    response = sampler.sample(roles.policy, PROMPTS, per_prompt=8, seed=1).generation.response
    assert response.max() < n_tokens
    sampler.banned[n_tokens:] = False
    twin = sampler.sample(roles.policy, PROMPTS, per_prompt=8, seed=1).generation.response
    assert (twin >= n_tokens).float().mean() > 0.9


def test_the_seed_fixes_the_text_and_responses_of_one_prompt_are_neighbors(
    gpt2_folder: Path,
) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    one, same, other = (
        sampler.sample(roles.policy, PROMPTS, per_prompt=3, seed=s) for s in (5, 5, 6)
    )
    torch.testing.assert_close(same.generation.response, one.generation.response, **EXACT)
    assert not torch.equal(other.generation.response, one.generation.response)
    for row in range(len(one.query)):
        ids = one.query[row][one.query_mask[row]].tolist()
        assert ids == sampler.query_ids(PROMPTS[row // 3])
    texts = [tuple(ids) for ids in one.generation.response[:3].tolist()]
    assert len(set(texts)) == 3


def test_a_prompts_logprobs_do_not_depend_on_its_neighbors(gpt2_folder: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    alone = sampler.sample(roles.policy, PROMPTS[:1], per_prompt=4, seed=5)
    assert alone.generation.logprobs.shape == (4, 6)
    again = sampler.sample(roles.policy, PROMPTS[:1], per_prompt=4, seed=5)
    torch.testing.assert_close(again.generation.logprobs, alone.generation.logprobs, **MODEL)
