"""The stop rule and what follows from it: what labelers and the reward model see."""

from pathlib import Path

import pytest
import torch

from prefloop.samples.config import SamplesConfig
from prefloop.samples.responder import Responder
from tests.stages_for_tests import PROMPTS, family_on, responder_on
from tests.tolerances import EXACT, MODEL

RULE = {"stop": ".", "stop_min": 2, "response_tokens": 6, "prefix": "Q: ", "suffix": " A:"}


@pytest.fixture
def responder(gpt2_folder: Path) -> Responder:
    return responder_on(*family_on(gpt2_folder), **RULE)


def test_cut_after_the_first_stop_that_is_late_enough(responder: Responder) -> None:
    stop = responder.stop_rule.stop_id
    response = torch.tensor(
        [
            [60, 61, stop, 62, stop, 63],
            [stop, stop, 60, 61, stop, 62],
            [stop, 60, 61, 62, 63, 64],
            [60, 61, 62, 63, 64, stop],
        ]
    )
    ending = responder.stop_rule.apply(response)
    assert ending.is_ended.tolist() == [True, True, False, True]
    assert ending.mask.sum(dim=1).tolist() == [3, 5, 6, 6]
    for row, mask in zip(response, ending.mask, strict=True):
        assert responder.stop_rule.cut(row.tolist()) == row[mask].tolist()
        assert responder.text_of(row.tolist()) == responder.coder.decode(row[mask].tolist())


def test_labelers_see_no_null_character(responder: Responder) -> None:
    ids = responder.coder.encode("a\0b")
    assert "\0" in responder.coder.decode(ids)
    assert responder.text_of(ids) == "a\N{REPLACEMENT CHARACTER}b"


def test_without_a_stop_every_response_is_whole(gpt2_folder: Path) -> None:
    responder = responder_on(*family_on(gpt2_folder))
    response = torch.tensor([[60, responder.coder.single_token("."), 61]])
    ending = responder.stop_rule.apply(response)
    assert ending.is_ended.all() and ending.mask.all()
    assert responder.stop_rule.cut(response[0].tolist()) == response[0].tolist()


def test_the_policy_sees_prefix_and_suffix_and_the_reward_model_does_not(
    responder: Responder,
) -> None:
    encode, stop = responder.coder.encode, responder.stop_rule.stop_id
    assert stop is not None
    text = PROMPTS[0].text
    assert responder.query_ids(PROMPTS[0]) == encode("Q: ") + encode(text) + encode(" A:")
    assert responder.reward_ids(text, [60, 61, stop, 62]) == [*encode(text), 60, 61, stop]


def test_after_stop_decides_what_losses_see(gpt2_folder: Path, responder: Responder) -> None:
    stop = responder.stop_rule.stop_id
    ending = responder.stop_rule.apply(torch.tensor([[60, 61, stop, 62, 63, 64]]))
    torch.testing.assert_close(responder.counted(ending), ending.mask, **EXACT)
    config = SamplesConfig(after_stop="train")
    trained = responder_on(*family_on(gpt2_folder), config, **RULE)
    assert trained.counted(ending).all()


@pytest.mark.parametrize("banned", ["pad", "special"])
def test_banned_tokens_are_padding_or_all_special_ones(gpt2_folder: Path, banned: str) -> None:
    coder, family = family_on(gpt2_folder)
    responder = responder_on(coder, family, SamplesConfig(banned=banned))  # type: ignore[arg-type]
    expected = {coder.pad_id} if banned == "pad" else {coder.pad_id, 0}
    assert set(responder.banned.nonzero()[:, 0].tolist()) == expected


def test_the_seed_fixes_the_text_and_responses_of_one_prompt_are_neighbors(
    gpt2_folder: Path,
) -> None:
    coder, family = family_on(gpt2_folder)
    responder = responder_on(coder, family)
    one, same, other = (
        responder.respond(family.policy, PROMPTS, per_prompt=3, seed=s) for s in (5, 5, 6)
    )
    torch.testing.assert_close(same.generation.response, one.generation.response, **EXACT)
    assert not torch.equal(other.generation.response, one.generation.response)
    for row in range(len(one.query)):
        ids = one.query[row][one.query_mask[row]].tolist()
        assert ids == responder.query_ids(PROMPTS[row // 3])
    texts = [tuple(ids) for ids in one.generation.response[:3].tolist()]
    assert len(set(texts)) == 3


def test_a_prompts_logprobs_do_not_depend_on_its_neighbors(gpt2_folder: Path) -> None:
    coder, family = family_on(gpt2_folder)
    responder = responder_on(coder, family)
    alone = responder.respond(family.policy, PROMPTS[:1], per_prompt=4, seed=5)
    assert alone.generation.logprobs.shape == (4, 6)
    again = responder.respond(family.policy, PROMPTS[:1], per_prompt=4, seed=5)
    torch.testing.assert_close(again.generation.logprobs, alone.generation.logprobs, **MODEL)
