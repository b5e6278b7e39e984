"""Saved models are read back whole, or refused."""

from pathlib import Path

import pytest
import torch

from prefloop.errors import CheckpointError
from prefloop.models.export import restore_role_model, save_reward_model
from prefloop.models.heads import ScoreHead
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.settings.models import ModelsConfig
from tests.stages_for_tests import Adapter, disturb, roles_on, weights_of
from tests.tolerances import EXACT


def saved(source: Path, folder: Path, *, adapter: Adapter = "lora", rank: int = 4) -> Path:
    tokenizer, roles = roles_on(source, adapter=adapter, rank=rank)
    disturb(roles.reward)
    save_reward_model(folder, roles, ScoreHead(roles.reward.width, seed=1, runtime=CPU), tokenizer)
    return folder


@pytest.mark.parametrize(
    ("adapter", "rank"), [("none", 4), ("lora", 1), ("lora", 2)], ids=["none", "rank 1", "rank 2"]
)
def test_a_model_of_other_settings_is_refused_and_touches_nothing(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter, rank: int
) -> None:
    folder = saved(gpt2_folder, tmp_path, adapter=adapter, rank=rank)
    _, roles = roles_on(gpt2_folder)
    before = weights_of(roles.reward.named_parameters)
    with pytest.raises(CheckpointError, match=r"written with other models settings"):
        restore_role_model(folder, roles, roles.reward)
    torch.testing.assert_close(weights_of(roles.reward.named_parameters), before, **EXACT)


def test_adapters_are_not_read_as_a_full_copy(gpt2_folder: Path, tmp_path: Path) -> None:
    folder = saved(gpt2_folder, tmp_path)
    _, roles = roles_on(gpt2_folder, adapter="none")
    with pytest.raises(CheckpointError, match=r"models\.adapter"):
        restore_role_model(folder, roles, roles.reward)


def test_adapters_of_fewer_layers_are_not_read_as_all(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    top = ModelsConfig(lora_rank=4, lora_top_layers=1)
    roles = ModelRoles(load_causal(gpt2_folder, tokenizer, runtime=CPU), top, seed=1)
    save_reward_model(
        tmp_path, roles, ScoreHead(roles.reward.width, seed=1, runtime=CPU), tokenizer
    )
    _, whole = roles_on(gpt2_folder)
    with pytest.raises(CheckpointError, match=r"models\.lora_"):
        restore_role_model(tmp_path, whole, whole.reward)


def test_an_untied_model_without_its_language_head_is_read(
    llama_folder: Path, tmp_path: Path
) -> None:
    """A reward model has no language-model head; everything else must be there."""
    tokenizer = load_tokenizer(llama_folder)
    causal = load_causal(llama_folder, tokenizer, runtime=CPU)
    causal.config.tie_word_embeddings = False
    causal.lm_head.weight = torch.nn.Parameter(causal.lm_head.weight.detach().clone())
    roles = ModelRoles(causal, ModelsConfig(adapter="none"), seed=1)
    disturb(roles.reward)
    expected = [p.detach().clone() for _, p in roles.reward.named_parameters]
    save_reward_model(
        tmp_path, roles, ScoreHead(roles.reward.width, seed=1, runtime=CPU), tokenizer
    )
    roles.reset(roles.reward, 0)
    restore_role_model(tmp_path, roles, roles.reward)
    for (name, parameter), before in zip(roles.reward.named_parameters, expected, strict=True):
        if not name.startswith("lm_head"):
            torch.testing.assert_close(parameter.detach(), before, **EXACT)
