"""Saved models are read back whole, or refused."""

from pathlib import Path

import pytest
import torch

from prefloop.errors import CheckpointError
from prefloop.models.config import ModelsConfig
from prefloop.models.export import restore_trunk, save_reward_model
from prefloop.models.family import Family
from prefloop.models.heads import ScoreHead
from prefloop.models.loading import load_causal, load_tokenizer
from tests.stages_for_tests import Adapter, disturb, family_on, weights_of
from tests.tolerances import EXACT


def saved(source: Path, folder: Path, *, adapter: Adapter = "lora", rank: int = 4) -> Path:
    coder, family = family_on(source, adapter=adapter, rank=rank)
    disturb(family.reward)
    save_reward_model(folder, family, ScoreHead(family.reward.width, seed=1), coder)
    return folder


@pytest.mark.parametrize(
    ("adapter", "rank"), [("none", 4), ("lora", 1), ("lora", 2)], ids=["none", "rank 1", "rank 2"]
)
def test_a_model_of_other_settings_is_refused_and_touches_nothing(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter, rank: int
) -> None:
    folder = saved(gpt2_folder, tmp_path, adapter=adapter, rank=rank)
    _, family = family_on(gpt2_folder)
    before = weights_of(family.reward.named_parameters)
    with pytest.raises(CheckpointError, match=r"written with other models settings"):
        restore_trunk(folder, family, family.reward)
    torch.testing.assert_close(weights_of(family.reward.named_parameters), before, **EXACT)


def test_adapters_are_not_read_as_a_full_copy(gpt2_folder: Path, tmp_path: Path) -> None:
    folder = saved(gpt2_folder, tmp_path)
    _, family = family_on(gpt2_folder, adapter="none")
    with pytest.raises(CheckpointError, match=r"models\.adapter"):
        restore_trunk(folder, family, family.reward)


def test_adapters_of_fewer_layers_are_not_read_as_all(gpt2_folder: Path, tmp_path: Path) -> None:
    coder = load_tokenizer(gpt2_folder)
    top = ModelsConfig(lora_rank=4, lora_top_layers=1)
    family = Family(load_causal(gpt2_folder, coder), top, seed=1)
    save_reward_model(tmp_path, family, ScoreHead(family.reward.width, seed=1), coder)
    _, whole = family_on(gpt2_folder)
    with pytest.raises(CheckpointError, match=r"models\.lora_"):
        restore_trunk(tmp_path, whole, whole.reward)


def test_an_untied_model_without_its_language_head_is_read(
    llama_folder: Path, tmp_path: Path
) -> None:
    """A reward model has no language-model head; everything else must be there."""
    coder = load_tokenizer(llama_folder)
    causal = load_causal(llama_folder, coder)
    causal.config.tie_word_embeddings = False
    causal.lm_head.weight = torch.nn.Parameter(causal.lm_head.weight.detach().clone())
    family = Family(causal, ModelsConfig(adapter="none"), seed=1)
    disturb(family.reward)
    expected = [p.detach().clone() for _, p in family.reward.named_parameters]
    save_reward_model(tmp_path, family, ScoreHead(family.reward.width, seed=1), coder)
    family.reset(family.reward, 0)
    restore_trunk(tmp_path, family, family.reward)
    for (name, parameter), before in zip(family.reward.named_parameters, expected, strict=True):
        if not name.startswith("lm_head"):
            torch.testing.assert_close(parameter.detach(), before, **EXACT)
