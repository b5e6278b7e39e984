"""What a model folder holds, before anything is loaded: what is missing, damaged or refused.

Only safetensors are read: a pickled checkpoint (`pytorch_model.bin`) can run code while it loads.
A folder's own code is not run for the same reason.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import transformers

from prefloop.figures.best_of_n import BEST_OF_N_FILE

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",))
ADAPTER_CONFIG = "adapter_config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"

AUTO_CLASSES = (
    *("AutoConfig", "AutoTokenizer", "AutoModelForCausalLM"),
    "AutoModelForSequenceClassification",
)
"""What is opened of a folder; its code for anything else is nobody's concern."""

LFS_POINTER = b"version https://git-lfs"
WHOLE_NUMBERS = frozenset({"U8", "I8", "U16", "I16", "U32", "I32", "I64"})
"""How safetensors calls types that weights have only after quantization."""
TOO_SMALL = ("F8", "F6", "F4")
"""Beginnings of its names for floating-point types of less than 16 bits."""

READ_AS_TEXT = (".json", ".txt", ".model")
"""Suffixes of the files, besides weights, that a model and its tokenizer are made of."""

BEST_OF_N_PROBLEM = (
    f"holds a policy without weights ({BEST_OF_N_FILE}): the best of n responses of a base by a "
    "reward. Only the run that made it can draw from it: compare runs with `prefloop compare`, or "
    "name the base, which that file names."
)
"""Why such a folder is no model, in words that follow its name."""

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
COPY_AGAIN = "copy or download it again"
QUANTIZED = (
    "quantized weights cannot be trained here; name the model's folder in full or half precision"
)
OWN_CODE = (
    "needs Python code of its own, which is not run; name a model that transformers itself has"
)


def folder_problems(folder: Path) -> list[str]:
    """Return why no model can be loaded from `folder`, in words that follow its name.

    All problems are returned at once, with what to do. An empty list means that its files are
    whole, not that transformers knows the model.
    """
    if (folder / ADAPTER_CONFIG).is_file():
        return [_adapter_problem(folder)]
    if (folder / BEST_OF_N_FILE).is_file():
        return [BEST_OF_N_PROBLEM]
    problems = [*_missing_problems(folder), *_pointer_problems(folder)]
    problems += _config_problems(folder)
    for path in weights_files(folder):
        problems += _weights_problems(path)
    return problems


def missing_parts(folder: Path) -> list[str]:
    """Return what `folder` lacks to be a loadable model; an empty list means nothing."""
    missing = [] if (folder / CONFIG).is_file() else [CONFIG]
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        missing.append("tokenizer.json (or vocab.json and merges.txt)")
    if (folder / WEIGHTS).is_file():
        return missing
    if not (folder / INDEX).is_file():
        return [*missing, WEIGHTS]
    try:
        shards = set(json.loads((folder / INDEX).read_text())["weight_map"].values())
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return [*missing, f"a readable {INDEX}"]
    return missing + sorted(shard for shard in shards if not (folder / shard).is_file())


def chat_templates(folder: Path) -> Any:
    """Return the chat templates of a folder; something empty if it has none.

    One in a file of its own counts before one in tokenizer_config.json.
    """
    files = [folder / "chat_template.jinja", *sorted((folder / "chat_templates").glob("*.jinja"))]
    found = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    return found or (read_object(folder / TOKENIZER_CONFIG) or {}).get("chat_template")


def weights_files(folder: Path) -> list[Path]:
    """Return the files that hold the model's weights: one, or those that the index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    shards = (read_object(folder / INDEX) or {}).get("weight_map")
    names = set(shards.values()) if isinstance(shards, dict) else set()
    return sorted(folder / name for name in names if (folder / str(name)).is_file())


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file; None if there is no such file or no object in it."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _missing_problems(folder: Path) -> Iterator[str]:
    missing = missing_parts(folder)
    pickled = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickled and missing == [WEIGHTS]:
        yield (
            f"has its weights only in {pickled[0]}, a pickle, which could run code while it loads "
            "and is not read. If you trust it, convert it once:\n"
            '  python -c "from transformers import AutoModelForCausalLM as M; '
            f"M.from_pretrained('{folder}').save_pretrained('{folder}')\""
        )
    elif missing:
        yield (
            f"lacks {', '.join(missing)}. It must be a folder that save_pretrained wrote, for the "
            "model and for its tokenizer."
        )


def _adapter_problem(folder: Path) -> str:
    base = (read_object(folder / ADAPTER_CONFIG) or {}).get("base_model_name_or_path")
    return (
        f"holds a PEFT adapter ({ADAPTER_CONFIG}), which is a change to "
        f"{base or 'another model'} and no model. Merge it into that model once and name the "
        "folder of the result:\n"
        '  python -c "from peft import AutoPeftModelForCausalLM as M; '
        f"M.from_pretrained('{folder}').merge_and_unload().save_pretrained('merged')\"\n"
        "  and save the tokenizer there, too."
    )


def _pointer_problems(folder: Path) -> Iterator[str]:
    texts = [path for path in sorted(folder.iterdir()) if path.suffix in READ_AS_TEXT]
    for path in [*weights_files(folder), *texts]:
        if path.is_file() and is_lfs_pointer(path):
            yield (
                f"has only a Git LFS pointer of {path.stat().st_size} bytes in place of "
                f"{path.name}; run `git lfs pull` in it, or download the file."
            )


def is_lfs_pointer(path: Path) -> bool:
    """Whether a file only says which large file belongs there."""
    with path.open("rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER


def _config_problems(folder: Path) -> Iterator[str]:
    path = folder / CONFIG
    if not path.is_file() or is_lfs_pointer(path):
        return
    config = read_object(path)
    if config is None:
        yield f"has a damaged {CONFIG}, which is no JSON object; {COPY_AGAIN}."
        return
    if not isinstance(config.get("model_type"), str):
        yield f"has no model_type in {CONFIG}, which says what kind of model it is; {COPY_AGAIN}."
    yield from _quantization(folder, config)
    tokenizer = read_object(folder / TOKENIZER_CONFIG) or {}
    for name, settings in ((CONFIG, config), (TOKENIZER_CONFIG, tokenizer)):
        # What transformers has, it loads by its own code, whatever else lies in the folder.
        own = [code for code in _own_code(settings) if not _is_in_transformers(code)]
        if own:
            yield f"{OWN_CODE} ({name} names {', '.join(own)})."


def _quantization(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    for found in (config, config.get("text_config") or {}):
        for key in ("quantization_config", "compression_config"):
            if isinstance(settings := found.get(key), dict):
                method = settings.get("quant_method", "a method that is not named")
                yield f"is quantized ({key}: {method}); {QUANTIZED}."
                return
    for name in ("quantize_config.json", "quant_config.json"):
        if (folder / name).is_file():
            yield f"is quantized ({name}); {QUANTIZED}."
            return


def _own_code(settings: dict[str, Any]) -> Iterator[str]:
    """Yield the classes of the folder's own that a configuration asks for."""
    auto_map = settings.get("auto_map")
    for auto, value in auto_map.items() if isinstance(auto_map, dict) else ():
        names = value if isinstance(value, list) else [value]
        if auto in AUTO_CLASSES:
            yield from (str(name) for name in names if name is not None)


def _is_in_transformers(code: str) -> bool:
    """Whether transformers has the class that `module.Class` names, in any case of its letters."""
    return code.rpartition(".")[2].lower() in _known_classes()


@cache
def _known_classes() -> frozenset[str]:
    return frozenset(name.lower() for name in dir(transformers))


def _weights_problems(path: Path) -> Iterator[str]:
    if is_lfs_pointer(path):
        return
    entries, size = safetensors_header(path)
    if entries is None:
        yield f"has a damaged {path.name}; {COPY_AGAIN}."
        return
    found = path.stat().st_size
    if found != size:
        is_cut = "is cut off" if found < size else "is too long"
        yield f"has a {path.name} that {is_cut}: {found} bytes, not {size}; {COPY_AGAIN}."
    types = {e["dtype"] for name, e in entries.items() if name.endswith("weight")}
    packed = sorted(t for t in types if t in WHOLE_NUMBERS or t.startswith(TOO_SMALL))
    if packed:
        yield f"has weights of type {', '.join(packed)} in {path.name}; {QUANTIZED}."


def safetensors_header(path: Path) -> tuple[dict[str, dict[str, Any]] | None, int]:
    """Return type, shape and place of every tensor by name, and the bytes that the file must have.

    None if the file does not begin as safetensors do.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length) if length <= path.stat().st_size else b""
    try:
        header = json.loads(raw)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        known = all(isinstance(entry["dtype"], str) for entry in entries.values())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError):
        return None, 0
    return (entries, 8 + length + end) if known else (None, 0)
