"""Model names: the weights that they stand for, and what is said where there are none."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from prefloop.errors import InputError
from prefloop.models.export import save_policy
from prefloop.models.heads import ValueHead
from prefloop.models.named import NamedModels
from prefloop.models.roles import RoleModel
from prefloop.records import REFERENCE
from tests.models_for_tests import TEXT, save_gpt2
from tests.stages_for_tests import Adapter, disturb, roles_on, weights_of
from tests.tolerances import EXACT, RELOADED
from tests.unit.models.kept_versions import KeptVersions


def named_on(
    folder: Path, run: Path, adapter: Adapter = "lora"
) -> tuple[NamedModels, KeptVersions]:
    tokenizer, roles = roles_on(folder, adapter=adapter)
    versions = KeptVersions(roles)
    return NamedModels(roles, tokenizer, versions, run=run, say=lambda _: None), versions


@torch.no_grad()
def logits(models: NamedModels, role_model: RoleModel) -> Tensor:
    ids = torch.tensor([models.tokenizer.encode(TEXT[0])[:12]])
    return role_model.logits(role_model.hidden(ids, ids >= 0))


def logits_of(models: NamedModels, name: str) -> Tensor:
    with models.use(name) as role_model:
        return logits(models, role_model)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_a_name_gives_its_weights_and_leaves_the_policy_as_it_was(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    models, versions = named_on(gpt2_folder, tmp_path, adapter)
    disturb(models.roles.policy)
    versions.current_name = "policy/update-3"
    versions.keep()
    early = logits(models, models.roles.policy)
    disturb(models.roles.policy)
    versions.current_name, versions.rounds = "policy/update-7", {1: "policy/update-7"}
    late, weights = (
        logits(models, models.roles.policy),
        weights_of(models.roles.policy.named_parameters),
    )
    torch.testing.assert_close(logits_of(models, "policy/update-3"), early, **EXACT)
    torch.testing.assert_close(logits_of(models, "policy/round-1"), late, **EXACT)
    torch.testing.assert_close(
        logits_of(models, REFERENCE), logits(models, models.roles.reference), **EXACT
    )
    assert not torch.equal(early, late)
    torch.testing.assert_close(weights_of(models.roles.policy.named_parameters), weights, **EXACT)


def test_the_policy_is_as_it_was_though_the_block_failed(gpt2_folder: Path, tmp_path: Path) -> None:
    models, versions = named_on(gpt2_folder, tmp_path)
    versions.keep()
    versions.current_name = "policy/update-7"
    disturb(models.roles.policy)
    weights = weights_of(models.roles.policy.named_parameters)
    with pytest.raises(ZeroDivisionError), models.use("policy/update-0"):
        raise ZeroDivisionError
    torch.testing.assert_close(weights_of(models.roles.policy.named_parameters), weights, **EXACT)


def test_a_folder_is_a_model_of_its_own(gpt2_folder: Path, tmp_path: Path) -> None:
    models, _ = named_on(gpt2_folder, tmp_path)
    disturb(models.roles.policy)
    head = ValueHead(models.roles.policy.width, models.roles.policy.runtime)
    save_policy(tmp_path / "other", models.roles, head, models.tokenizer)
    found = logits_of(models, str(tmp_path / "other"))
    torch.testing.assert_close(found, logits(models, models.roles.policy), **RELOADED)


def test_a_round_of_an_earlier_version_is_its_model_folder(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    models, versions = named_on(gpt2_folder, tmp_path)
    disturb(models.roles.policy)
    wanted = logits(models, models.roles.policy)
    head = ValueHead(models.roles.policy.width, models.roles.policy.runtime)
    save_policy(tmp_path / "round-0", models.roles, head, models.tokenizer)
    disturb(models.roles.policy)
    versions.current_name, versions.rounds = "policy/update-9", {0: "policy/update-6"}
    versions.folders = {"policy/update-6": tmp_path / "round-0"}
    torch.testing.assert_close(logits_of(models, "policy/round-0"), wanted, **RELOADED)


def test_a_name_without_weights_is_refused_with_those_that_have_some(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    models, versions = named_on(gpt2_folder, tmp_path)
    versions.keep()
    versions.current_name = "policy/update-7"
    with pytest.raises(InputError) as refused, models.use("policy/update-3"):
        pass
    assert str(refused.value) == (
        "the weights of policy/update-3 are not kept. Kept are policy/update-0; the policy in "
        "training is policy/update-7. To keep more of those to come, set policy.keep_every."
    )


def test_a_damaged_folder_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    models, _ = named_on(gpt2_folder, tmp_path)
    folder = Path(shutil.copytree(gpt2_folder, tmp_path / "damaged"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with (
        pytest.raises(InputError, match=r"damaged has a model\.safetensors that is cut off"),
        models.use(str(folder)),
    ):
        pass
    weights.unlink()
    with pytest.raises(InputError, match=r"lacks model\.safetensors"), models.use(str(folder)):
        pass
    with pytest.raises(InputError, match="there is no such folder"), models.use("./nowhere"):
        pass


def test_another_vocabulary_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    models, _ = named_on(gpt2_folder, tmp_path)
    other = save_gpt2(tmp_path / "other", pad_token="<pad>")
    with pytest.raises(InputError, match="has another vocabulary"), models.use(str(other)):
        pass
    wide = Path(shutil.copytree(gpt2_folder, tmp_path / "wide"))
    model = GPT2LMHeadModel.from_pretrained(wide)
    model.resize_token_embeddings(512, mean_resizing=False)
    model.save_pretrained(wide)
    with pytest.raises(InputError, match=r"gives 512 logits per token"), models.use(str(wide)):
        pass


def test_a_folder_that_changed_under_its_name_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(gpt2_folder, tmp_path / "other"))
    for _ in range(2):
        named_on(gpt2_folder, tmp_path)[0].check_unchanged(str(folder))
    save_gpt2(tmp_path / "new", context=64)
    shutil.copy(tmp_path / "new" / "model.safetensors", folder)
    with pytest.raises(InputError, match="have changed since samples were drawn of it"):
        named_on(gpt2_folder, tmp_path)[0].check_unchanged(str(folder))
