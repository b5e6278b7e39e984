"""Folders from which no model can be loaded: each is refused with its name, the reason, and a way
out, before anything else happens."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from prefloop.errors import InputError
from prefloop.models.loading import (
    context_length,
    load_causal,
    load_tokenizer,
    refuse_unknown_classes,
)
from prefloop.models.runtime import CPU
from prefloop.models.sources import resolve

Damage = Callable[[Path], object]


def configured(**changes: Any) -> Damage:
    """Return what writes other values into config.json."""

    def write(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return write


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    """Return what writes other weights."""

    def write(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    return write


def cut(name: str, end: int | None) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:end])


def pointer(name: str) -> Damage:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:01\nsize 9\n"
    return lambda folder: (folder / name).write_text(text)


def an_adapter_alone(folder: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "gpt2-large"}')


def code_of_a_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    own = {"auto_map": {"AutoTokenizer": ["tokenization_my.MyTokenizer", None]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | own))


LAYER = "transformer.h.1.ln_1.weight"
OWN_CODE = {"AutoConfig": "configuration_my.MyConfig", "AutoModelForCausalLM": "m.MyModel"}
GPTQ = {"quant_method": "gptq", "bits": 4}
BROKEN: dict[str, tuple[Damage, str]] = {
    "pointer": (pointer("model.safetensors"), "only a Git LFS pointer of 64 bytes in place of"),
    "pointer for a tokenizer": (pointer("tokenizer.json"), "Git LFS pointer .* tokenizer.json"),
    "pointer for a configuration": (pointer("config.json"), "Git LFS pointer .* config.json"),
    "cut": (cut("model.safetensors", -100), r"is cut off: \d+ bytes, not \d+; copy or download"),
    "cut in its header": (cut("model.safetensors", 50), "has a damaged model.safetensors"),
    "empty": (cut("model.safetensors", 0), "has a damaged model.safetensors"),
    "configuration cut": (cut("config.json", 30), "has a damaged config.json"),
    "tokenizer cut": (
        cut("tokenizer.json", 300),
        "the tokenizer in model folder .* cannot be load",
    ),
    "no kind": (configured(model_type=None), "has no model_type in config.json"),
    "unknown kind": (
        configured(model_type="future9"),
        "configuration .* cannot be loaded .*future9",
    ),
    "an encoder-decoder": (
        configured(model_type="t5"),
        "transformers has no causal language model",
    ),
    "other width": (configured(n_embd=64), r"of size 96, and config.json says 192 \(and \d+ more"),
    "a nonsense width": (configured(n_embd="wide"), "cannot be loaded"),
    "more layers": (configured(n_layer=3), "lacks transformer.h.2.*which would be random numbers"),
    "fewer layers": (configured(n_layer=1), "of a layer that config.json does not count"),
    "a weight missing": (weights(lambda w: w.pop(LAYER)), f"lacks {LAYER}, which would be random"),
    "not a number": (weights(lambda w: w[LAYER].fill_(torch.nan)), "are no numbers"),
    "packed": (weights(lambda w: w.update({LAYER: w[LAYER].to(torch.int8)})), "type I8 in"),
    "gptq": (configured(quantization_config=GPTQ), r"is quantized \(quantization_config: gptq\)"),
    "awq": (lambda f: (f / "quant_config.json").write_text("{}"), r"quantized \(quant_config.json"),
    "adapter": (an_adapter_alone, "PEFT adapter .* a change to gpt2-large and no model. Merge it"),
    "code": (configured(model_type="my", auto_map=OWN_CODE), "needs Python code of its own, which"),
    "code for a known kind": (configured(auto_map=OWN_CODE), "config.json names .*m.MyModel"),
    "code of a tokenizer": (code_of_a_tokenizer, "tokenizer_config.json names tokenization_my"),
}


def load(folder: Path) -> None:
    """Load a model as a run does."""
    path = resolve(str(folder))
    context_length(path)
    load_causal(path, load_tokenizer(path), CPU)


def copied(source: Path, target: Path, *damages: Damage) -> Path:
    folder = Path(shutil.copytree(source, target))
    for damage in damages:
        damage(folder)
    return folder


@pytest.mark.parametrize("fault", BROKEN)
def test_a_folder_that_cannot_work_is_refused(
    gpt2_folder: Path, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked whether to run code"))
    damage, told = BROKEN[fault]
    folder = copied(gpt2_folder, tmp_path / "broken", damage)
    with pytest.raises(InputError, match=rf"(?s){told}") as refused:
        load(folder)
    assert str(folder) in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "trains_reward_model", "told"),
    [
        (
            "granite",
            True,
            r"has no sequence classifier, as which .* let a scorer be policy\.reward",
        ),
        ("t5", False, r"has no causal language model \(AutoModelForCausalLM\)\. To go on, name"),
        (
            "vit_mae",
            True,
            r"has no causal language model .* It holds .* has no sequence classifier",
        ),
    ],
)
def test_classes_that_transformers_lacks_are_told_before_weights_are_read(
    gpt2_folder: Path, tmp_path: Path, kind: str, trains_reward_model: bool, told: str
) -> None:
    folder = copied(gpt2_folder, tmp_path / "other", configured(model_type=kind))
    with pytest.raises(InputError, match=told):
        refuse_unknown_classes(folder, trains_reward_model=trains_reward_model)
    refuse_unknown_classes(gpt2_folder, trains_reward_model=True)


def test_what_can_be_seen_in_the_files_is_told_at_once(gpt2_folder: Path, tmp_path: Path) -> None:
    folder = copied(
        gpt2_folder,
        tmp_path / "broken",
        configured(quantization_config=GPTQ, auto_map=OWN_CODE),
        cut("model.safetensors", -1),
        pointer("tokenizer.json"),
    )
    with pytest.raises(InputError, match="has 4 problems:") as refused:
        resolve(str(folder))
    for told in ("quantized", "Python code", "cut off", "Git LFS pointer"):
        assert told in str(refused.value)


def test_a_whole_folder_is_taken_with_what_older_versions_left_in_it(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Masks that GPT-2's files hold, and code that transformers has had as its own since."""
    mask = torch.ones(1, 1, 4, 4, dtype=torch.uint8)
    folder = copied(
        gpt2_folder,
        tmp_path / "old",
        configured(auto_map={"AutoModelForCausalLM": "modeling_gpt2.Gpt2LMHeadModel"}),
        lambda f: (f / "coreml.safetensors").write_text("version https://git-lfs.github.com"),
        weights(lambda w: w.update({"transformer.h.0.attn.bias": mask})),
    )
    load(folder)
