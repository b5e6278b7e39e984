"""One base in three roles, generation, scoring, and export."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from prefloop.models.export import restore_role_model, save_policy, save_reward_model
from prefloop.models.generation import Generation, generate
from prefloop.models.heads import ScoreHead, ValueHead
from prefloop.models.loading import Tokenizer, load_causal, load_tokenizer
from prefloop.models.padding import pad_left, pad_right
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, last_token_scores, respond_forward
from prefloop.settings.models import ModelsConfig
from tests.tolerances import EXACT, MODEL, RELOADED

TEXTS = ["The sun was warm.", "He was sad and cold and hungry.", "Call me Ishmael. Some years ago"]
ADAPTERS: list[Literal["lora", "none"]] = ["lora", "none"]


def roles_on(
    folder: Path, adapter: Literal["lora", "none"] = "lora"
) -> tuple[ModelRoles, Tokenizer]:
    tokenizer = load_tokenizer(folder)
    causal = load_causal(folder, tokenizer, runtime=CPU)
    return ModelRoles(causal, ModelsConfig(adapter=adapter, lora_rank=4), seed=1), tokenizer


def disturb(role_model: RoleModel, scale: float = 0.3) -> None:
    """Move a role's weights, as training would."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for _, parameter in role_model.named_parameters:
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator) * 0.3)


def draw(
    roles: ModelRoles, tokenizer: Tokenizer, role_model: RoleModel, per_query: int = 2
) -> tuple[Tensor, Tensor, Generation, Tensor, ValueHead]:
    query, mask = pad_left(
        [tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device
    )
    vocabulary = role_model.causal.get_output_embeddings().weight.shape[0]
    banned = banned_mask(vocabulary, tokenizer.special_ids, device=CPU.device)
    head = ValueHead(role_model.width, runtime=CPU)
    torch.nn.init.normal_(head.weight, generator=torch.Generator().manual_seed(5))
    generation = generate(
        role_model,
        query,
        mask,
        n_tokens=8,
        per_query=per_query,
        temperature=0.7,
        banned=banned,
        seed=2,
        value_head=head,
    )
    query = query.repeat_interleave(per_query, dim=0)
    mask = mask.repeat_interleave(per_query, dim=0)
    return query, mask, generation, banned, head


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_roles_start_equal_and_training_one_moves_no_other(
    model_folder: Path, adapter: Literal["lora", "none"]
) -> None:
    roles, tokenizer = roles_on(model_folder, adapter)
    ids, mask = pad_right([tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device)
    everyone = (roles.policy, roles.reward, roles.reference)
    with torch.no_grad():
        before = [role.hidden(ids, mask) for role in everyone]
        torch.testing.assert_close(before[0], before[2], **EXACT)
        torch.testing.assert_close(before[1], before[2], **EXACT)
        disturb(roles.policy)
        after = [role.hidden(ids, mask) for role in everyone]
    assert (after[0] - before[0]).abs().max() > 0.01
    torch.testing.assert_close(after[1], before[1], **EXACT)
    torch.testing.assert_close(after[2], before[2], **EXACT)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_s16_logprobs_and_values_while_sampling_equal_those_of_a_forward_pass(
    model_folder: Path, adapter: Literal["lora", "none"]
) -> None:
    roles, tokenizer = roles_on(model_folder, adapter)
    disturb(roles.policy)
    query, mask, generation, banned, head = draw(roles, tokenizer, roles.policy)
    with torch.no_grad():
        forward = respond_forward(
            roles.policy,
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
        roles.policy, query, mask, generation.response, temperature=1.0, banned=banned
    )
    assert (wrong.logprobs - generation.logprobs).abs().max() > 0.1


def test_padding_on_the_left_changes_nothing(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder)
    banned = banned_mask(
        roles.policy.causal.get_output_embeddings().weight.shape[0], [], device=CPU.device
    )
    together, together_mask = pad_left(
        [tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device
    )
    response = torch.tensor([[50, 60, 70, 80]] * len(TEXTS))
    with torch.no_grad():
        whole = respond_forward(
            roles.policy, together, together_mask, response, temperature=1.0, banned=banned
        )
        for row, text in enumerate(TEXTS):
            alone, alone_mask = pad_left(
                [tokenizer.encode(text)], tokenizer.pad_id, device=CPU.device
            )
            single = respond_forward(
                roles.policy, alone, alone_mask, response[:1], temperature=1.0, banned=banned
            )
            torch.testing.assert_close(whole.logprobs[row], single.logprobs[0], **MODEL)


def test_banned_tokens_are_never_sampled(model_folder: Path) -> None:
    roles, tokenizer = roles_on(model_folder)
    _, _, generation, banned, _ = draw(roles, tokenizer, roles.policy, per_query=40)
    assert not banned[generation.response].any()
    assert tokenizer.pad_id in tokenizer.special_ids


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_policy_reloads_with_transformers_alone(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    roles, tokenizer = roles_on(model_folder, adapter)
    disturb(roles.policy)
    save_policy(tmp_path / "p", roles, ValueHead(roles.policy.width, runtime=CPU), tokenizer)
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "p")
    saved = AutoTokenizer.from_pretrained(tmp_path / "p")
    assert saved.pad_token_id == tokenizer.pad_id != saved.eos_token_id
    ids = torch.tensor([tokenizer.encode(TEXTS[2])])
    with torch.no_grad():
        mine = roles.policy.logits(roles.policy.hidden(ids, torch.ones_like(ids).bool()))
        theirs = reloaded(ids).logits
    torch.testing.assert_close(mine, theirs, **RELOADED)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_s14_reward_model_reloads_with_transformers_alone_head_included(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    roles, tokenizer = roles_on(model_folder, adapter)
    disturb(roles.reward)
    head = ScoreHead(roles.reward.width, seed=3, runtime=CPU)
    head.rescale(2.0, [0.5])
    save_reward_model(tmp_path / "r", roles, head, tokenizer)
    reloaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "r")
    ids, mask = pad_right([tokenizer.encode(t) for t in TEXTS], tokenizer.pad_id, device=CPU.device)
    with torch.no_grad():
        mine = last_token_scores(roles.reward, head.scores, ids, mask)
        theirs = reloaded(ids, attention_mask=mask.long()).logits[:, 0]
    torch.testing.assert_close(mine, theirs + reloaded.config.reward_shift, **RELOADED)
    assert mine.std() > 0.01


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_saved_role_is_restored_bit_for_bit(
    model_folder: Path, adapter: Literal["lora", "none"], tmp_path: Path
) -> None:
    roles, tokenizer = roles_on(model_folder, adapter)
    disturb(roles.reward)
    head = ScoreHead(roles.reward.width, seed=3, runtime=CPU)
    save_reward_model(tmp_path / "r", roles, head, tokenizer)
    saved = [p.detach().clone() for _, p in roles.reward.named_parameters]
    roles.reset(roles.reward, 7)
    restore_role_model(tmp_path / "r", roles, roles.reward)
    for before, (name, after) in zip(saved, roles.reward.named_parameters, strict=True):
        if not name.startswith("lm_head"):
            torch.testing.assert_close(before, after, **EXACT)


def test_top_layers_only(model_folder: Path) -> None:
    tokenizer = load_tokenizer(model_folder)
    causal = load_causal(model_folder, tokenizer, runtime=CPU)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=4, lora_top_layers=1), seed=1)
    assert roles.policy.named_parameters
    assert all(".1." in name for name, _ in roles.policy.named_parameters)
