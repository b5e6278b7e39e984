"""What a model folder is, by content: hashes that do not depend on its path, its parts or its age.

Weights are hashed tensor by tensor, so a copy that is divided into other files is the same model.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from prefloop.files import sha256
from prefloop.models.model_folder import (
    CONFIG,
    TOKENIZERS,
    chat_templates,
    read_object,
    safetensors_header,
    weights_files,
)

NO_MEANING = frozenset({"_name_or_path", "transformers_version", "architectures", "dtype"})
"""Keys of config.json that say who wrote it, not what the model computes."""
NO_MEANING |= {"torch_dtype"}

TOKENIZER_CONFIG = "tokenizer_config.json"
CHAT_TOKENS = ("bos_token", "eos_token", "add_bos_token", "add_eos_token")
"""Settings of a tokenizer that a template may name, or that end a turn."""


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Hashes of the things that make a model what it is."""

    weights: str
    configuration: str
    tokenizer: str
    stamps: tuple[tuple[str, int, int, int], ...]
    """Name, size and times of the files of weights: while these stay, they are not read again."""
    chat_template: str = ""
    """Of the template and the tokens that it may name; empty without one, or if not recorded."""

    def differences(self, other: "ModelIdentity") -> list[str]:
        """Return which of them differ, by name."""
        mine, theirs = asdict(self), asdict(other)
        names = [n for n in ("weights", "configuration", "tokenizer") if mine[n] != theirs[n]]
        # Earlier versions recorded none; a chat whose template is gone does not start.
        if self.chat_template and other.chat_template not in ("", self.chat_template):
            names.append("chat template")
        return names


def identity_of(folder: Path, known: ModelIdentity | None = None) -> ModelIdentity:
    """Return what the model in a complete folder is.

    `known` is an identity that was taken earlier: where no file of weights was touched since, its
    hash is taken over. Else every byte is read, about a second per gigabyte.
    """
    files = weights_files(folder)
    stamps = tuple(_stamp(path) for path in files)
    is_untouched = known is not None and known.stamps == stamps
    return ModelIdentity(
        weights=known.weights if known is not None and is_untouched else _hash_of_weights(files),
        configuration=_hash_of_configuration(folder),
        tokenizer=_hash_of_tokenizer(folder),
        stamps=stamps,
        chat_template=_hash_of_chat_template(folder),
    )


def _stamp(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return (str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _hash_of_weights(files: list[Path]) -> str:
    return _digest(sorted(line for path in files for line in _tensors(path)))


def _tensors(path: Path) -> Iterator[str]:
    """Yield name, type, shape and hash of every tensor in a file."""
    entries, _ = safetensors_header(path)
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for name, entry in (entries or {}).items():
                first, end = (start + offset for offset in entry["data_offsets"])
                with memoryview(data)[first:end] as view:
                    found = hashlib.sha256(view).hexdigest()
                yield f"{name} {entry['dtype']} {entry['shape']} {found}"


def _hash_of_configuration(folder: Path) -> str:
    config = read_object(folder / CONFIG) or {}
    meant = {key: value for key, value in config.items() if key not in NO_MEANING}
    return _digest([json.dumps(meant, sort_keys=True)])


def _hash_of_tokenizer(folder: Path) -> str:
    """Return a hash of the files that say which text an id stands for."""
    names = next(names for names in TOKENIZERS if all((folder / n).is_file() for n in names))
    return _digest([sha256(folder / name) for name in names])


def _hash_of_chat_template(folder: Path) -> str:
    """Return a hash of what a chat is written with; empty if the tokenizer has no template."""
    config = read_object(folder / TOKENIZER_CONFIG) or {}
    templates = chat_templates(folder)
    if not templates:
        return ""
    named = {**(read_object(folder / "special_tokens_map.json") or {}), **config}
    return _digest([json.dumps([templates, [named.get(key) for key in CHAT_TOKENS]])])


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
