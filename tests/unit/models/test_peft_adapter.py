"""The adapter beside a policy: PEFT puts it on the base model and gets the merged policy."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from prefloop.models.export import save_policy
from tests.stages_for_tests import disturb, roles_on
from tests.tolerances import MODEL

# peft reads an attribute of transformers under its old name; a user cannot change it.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")

IDS = torch.arange(5, 45).reshape(2, 20)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits


def test_the_adapter_on_the_base_is_the_merged_policy(model_folder: Path, tmp_path: Path) -> None:
    tokenizer, roles = roles_on(model_folder)
    disturb(roles.policy)
    disturb(roles.reward, scale=0.3)
    save_policy(tmp_path, roles, None, tokenizer)
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path))
    base = AutoModelForCausalLM.from_pretrained(model_folder)
    untuned = logits(base)
    policy = PeftModel.from_pretrained(base, tmp_path / "adapter")
    n_known = untuned.shape[-1]
    torch.testing.assert_close(logits(policy), merged[..., :n_known], **MODEL)
    # The wrong twin: without the adapter it is another model.
    assert (untuned - merged[..., :n_known]).abs().max() > 0.1
    settings = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(model_folder)
    assert settings["task_type"] == "CAUSAL_LM"


def test_adapters_of_the_topmost_layers_alone(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder, top_layers=1)
    disturb(roles.policy)
    save_policy(tmp_path, roles, None, tokenizer)
    base = AutoModelForCausalLM.from_pretrained(gpt2_folder)
    policy = PeftModel.from_pretrained(base, tmp_path / "adapter")
    merged = logits(AutoModelForCausalLM.from_pretrained(tmp_path))
    found = logits(policy)
    torch.testing.assert_close(found, merged[..., : found.shape[-1]], **MODEL)


def test_a_full_copy_has_no_adapter(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder, adapter="none")
    save_policy(tmp_path, roles, None, tokenizer)
    assert not (tmp_path / "adapter").exists()
