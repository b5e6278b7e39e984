"""One base in three roles, generation, scoring, and export."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from prefloop.models.config import ModelsConfig
from prefloop.models.export import restore_trunk, save_policy, save_reward_model
from prefloop.models.family import Family
from prefloop.models.generation import generate
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.scoring import (
    banned_mask,
    last_token_scores,
    pad_left,
    pad_right,
    respond_forward,
)
from tests.tolerances import EXACT, MODEL, RELOADED

TEXTS = ["The sun was warm.", "He was sad and cold and hungry.", "Call me Ishmael. Some years ago"]
ADAPTERS: list[Literal["lora", "none"]] = ["lora", "none"]


def family_of(folder: Path, adapter: Literal["lora", "none"] = "lora") -> tuple[Family, object]:
    coder = load_tokenizer(folder)
    causal = load_causal(folder, coder)
    return Family(causal, ModelsConfig(adapter=adapter, lora_rank=4), seed=1), coder


def disturb(trunk: object, scale: float = 0.3) -> None:
    """Move a role's weights, as training would."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, parameter in trunk.named_parameters:
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator) * 0.3)


def draw(family: Family, coder: object, trunk: object, per_query: int = 2) -> tuple:
    query, mask = pad_left([coder.encode(t) for t in TEXTS], coder.pad_id)
    vocabulary = trunk.causal.get_output_embeddings().weight.shape[0]
    banned = banned_mask(vocabulary, coder.special_ids)
    head = ValueHead(trunk.width)
    torch.nn.init.normal_(head.weight, generator=torch.Generator().manual_seed(5))
    generation = generate(
        trunk,
        query,
        mask,
        n_tokens=8,
        per_query=per_query,
        temperature=0.7,
        banned=banned,
        generator=torch.Generator().manual_seed(2),
        value_head=head,
    )
    query = query.repeat_interleave(per_query, dim=0)
    mask = mask.repeat_interleave(per_query, dim=0)
    return query, mask, generation, banned, head


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_roles_start_equal_and_training_one_moves_no_other(
    model_folder: Path, adapter: Literal["lora", "none"]
) -> None:
    family, coder = family_of(model_folder, adapter)
    ids, mask = pad_right([coder.encode(t) for t in TEXTS], coder.pad_id)
    roles = (family.policy, family.reward, family.reference)
    with torch.no_grad():
        before = [role.hidden(ids, mask) for role in roles]
        torch.testing.assert_close(before[0], before[2], **EXACT)
        torch.testing.assert_close(before[1], before[2], **EXACT)
        disturb(family.policy)
        after = [role.hidden(ids, mask) for role in roles]
    assert (after[0] - before[0]).abs().max() > 0.01
    torch.testing.assert_close(after[1], before[1], **EXACT)
    torch.testing.assert_close(after[2], before[2], **EXACT)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_s16_logprobs_and_values_while_sampling_equal_those_of_a_forward_pass(
    model_folder: Path, adapter: Literal["lora", "none"]
) -> None:
    family, coder = family_of(model_folder, adapter)
    disturb(family.policy)
    query, mask, generation, banned, head = draw(family, coder, family.policy)
    with torch.no_grad():
        forward = respond_forward(
            family.policy,
            query,
            mask,
            generation.response,
            temperature=0.7,
            banned=banned,
            value_head=head,
        )
    torch.testing.assert_close(generation.logprobs, forward.logprobs, **MODEL)
    torch.testing.assert_close(generation.values, forward.values, **MODEL)
    wrong = respond_forward(
        family.policy, query, mask, generation.response, temperature=1.0, banned=banned
    )
    assert (wrong.logprobs - generation.logprobs).abs().max() > 0.1


def test_padding_on_the_left_changes_nothing(model_folder: Path) -> None:
    family, coder = family_of(model_folder)
    banned = banned_mask(family.policy.causal.get_output_embeddings().weight.shape[0], [])
    together, together_mask = pad_left([coder.encode(t) for t in TEXTS], coder.pad_id)
    response = torch.tensor([[50, 60, 70, 80]] * len(TEXTS))
    with torch.no_grad():
        whole = respond_forward(
            family.policy, together, together_mask, response, temperature=1.0, banned=banned
        )
        for row, text in enumerate(TEXTS):
            alone, alone_mask = pad_left([coder.encode(text)], coder.pad_id)
            single = respond_forward(
                family.policy, alone, alone_mask, response[:1], temperature=1.0, banned=banned
            )
            torch.testing.assert_close(whole.logprobs[row], single.logprobs[0], **MODEL)


def test_banned_tokens_are_never_sampled(model_folder: Path) -> None:
    family, coder = family_of(model_folder)
    _, _, generation, banned, _ = draw(family, coder, family.policy, per_query=40)
    assert not banned[generation.response].any()
    assert coder.pad_id in coder.special_ids


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_policy_reloads_with_transformers_alone(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    family, coder = family_of(model_folder, adapter)
    disturb(family.policy)
    save_policy(tmp_path / "p", family, ValueHead(family.policy.width), coder)
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "p")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "p")
    assert tokenizer.pad_token_id == coder.pad_id != tokenizer.eos_token_id
    ids = torch.tensor([coder.encode(TEXTS[2])])
    with torch.no_grad():
        mine = family.policy.logits(family.policy.hidden(ids, torch.ones_like(ids).bool()))
        theirs = reloaded(ids).logits
    torch.testing.assert_close(mine, theirs, **RELOADED)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_s14_reward_model_reloads_with_transformers_alone_head_included(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    family, coder = family_of(model_folder, adapter)
    disturb(family.reward)
    head = ScoreHead(family.reward.width, seed=3)
    head.rescale(2.0, 0.5)
    save_reward_model(tmp_path / "r", family, head, coder)
    reloaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "r")
    ids, mask = pad_right([coder.encode(t) for t in TEXTS], coder.pad_id)
    with torch.no_grad():
        mine = last_token_scores(family.reward, head, ids, mask)
        theirs = reloaded(ids, attention_mask=mask.long()).logits[:, 0]
    torch.testing.assert_close(mine, theirs + reloaded.config.reward_shift, **RELOADED)
    assert mine.std() > 0.01


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_saved_role_is_restored_bit_for_bit(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    family, coder = family_of(model_folder, adapter)
    disturb(family.reward)
    head = ScoreHead(family.reward.width, seed=3)
    save_reward_model(tmp_path / "r", family, head, coder)
    saved = [p.detach().clone() for _, p in family.reward.named_parameters]
    family.reset(family.reward, 7)
    restore_trunk(tmp_path / "r", family, family.reward)
    for before, (name, after) in zip(saved, family.reward.named_parameters, strict=True):
        if not name.startswith("lm_head"):
            torch.testing.assert_close(before, after, **EXACT)


def test_top_layers_only(model_folder: Path) -> None:
    coder = load_tokenizer(model_folder)
    causal = load_causal(model_folder, coder)
    family = Family(causal, ModelsConfig(lora_rank=4, lora_top_layers=1), seed=1)
    assert family.policy.named_parameters
    assert all(".1." in name for name, _ in family.policy.named_parameters)
