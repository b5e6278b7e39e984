"""A model is what its files hold: neither its path nor who wrote it."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from prefloop.models import identity
from prefloop.models.identity import ModelIdentity, identity_of
from prefloop.rewards.scorer import model_hash
from tests.tokenizers_for_tests import save_chat


def copy_of(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def changes(before: ModelIdentity, folder: Path) -> list[str]:
    return before.differences(identity_of(folder))


def test_another_weight_another_setting_or_another_vocabulary_is_another_model(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    before = identity_of(gpt2_folder)
    folder = copy_of(gpt2_folder, tmp_path / "m")
    assert changes(before, folder) == []
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.bias"][3] += 1e-6
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert changes(before, folder) == ["weights"]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_epsilon": 1e-3}))
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + "\n")
    assert changes(before, folder) == ["weights", "configuration", "tokenizer"]


def test_the_same_weights_in_other_files_are_the_same_model(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    before = identity_of(gpt2_folder)
    folder = copy_of(gpt2_folder, tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"model-1.safetensors": names[5:], "model-2.safetensors": names[:5]}
    for part, of_part in parts.items():
        save_file({name: weights[name] for name in of_part}, folder / part)
    index = {"weight_map": {n: part for part, of_part in parts.items() for n in of_part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"transformers_version": "9"}))
    assert changes(before, folder) == []


def test_weights_are_read_again_only_if_a_file_was_touched(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_of(gpt2_folder, tmp_path / "m")
    path = folder / "model.safetensors"
    first = identity_of(folder)
    times = path.stat()
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_hash_of_weights", lambda _: pytest.fail("read again"))
        assert identity_of(folder, first) == first
    weights = load_file(path)
    weights["transformer.ln_f.bias"] += torch.ones(32)
    save_file(weights, path, metadata={"format": "pt"})
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert first.differences(identity_of(folder, first)) == ["weights"]


def test_another_chat_template_is_another_model_wherever_it_stands(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    folder = copy_of(gpt2_folder, tmp_path / "m")
    assert identity_of(folder).chat_template == ""
    save_chat(folder)
    before, scorer = identity_of(folder), model_hash(folder)
    template, config = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    was = template.read_text()
    template.write_text(was + "Be kind.")
    assert changes(before, folder) == ["chat template"]
    assert model_hash(folder) != scorer
    template.write_text(was)
    described = json.loads(config.read_text())
    config.write_text(json.dumps(described | {"eos_token": "<|im_end|>"}))
    assert changes(before, folder) == ["chat template"]
    template.unlink()
    config.write_text(json.dumps(described | {"chat_template": "{{ messages }}"}))
    assert changes(before, folder) == ["chat template"]
    known = asdict(before)
    del known["chat_template"]
    assert changes(ModelIdentity(**known), folder) == [], "version 0.1 recorded none"
