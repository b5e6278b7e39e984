"""Packs a finished run of `builtin:tiny` into a small archive, and unpacks it byte for byte.

A run folder holds the merged weights of two models, 21 MB each. Nearly all of them follow from the
built-in weights (float16) and from the adapters beside them (`lora_weights.safetensors`), so of a
`model.safetensors` only the difference from a prediction is stored:

    tensor without an adapter: base, as float32
    tensor with an adapter:    base + lora_alpha / lora_rank * (B A)^T, as float32
    tensor that base lacks:    zeros
    stored bytes:              file XOR prediction; the header is stored as it is

Torch adds up in an order of its own, so a prediction may miss by the last bit; XOR keeps that. The
prediction itself uses elementwise float64 arithmetic in a fixed order and no matrix product: it is
the same on every machine. Zeros compress away.

A file that equals one of the same name beside the base weights (tokenizer.json) is stored as its
name alone. Everything else is stored as it is. `index.json` in the archive has the sha256 of every
file of the run, and `unpack` compares.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

INDEX = "index.json"
MODEL = "model.safetensors"
ADAPTER = "lora_weights.safetensors"
DIFFERENCE = ".difference"
"""Ending of an archive member that holds a model file XOR its prediction."""

Floats = NDArray[np.float32]


class Place(NamedTuple):
    """Where a tensor lies in a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def pack(run_folder: Path, archive: Path, base_weights: Path) -> None:
    """Write the run folder into `archive`, a .tar.xz, by what the file `base_weights` holds."""
    files = {
        path.relative_to(run_folder).as_posix(): path.read_bytes()
        for path in sorted(run_folder.rglob("*"))
        if path.is_file()
    }
    scale = _adapter_scale(files["run.resolved.yaml"])
    base = _read_tensors(base_weights.read_bytes())
    members: dict[str, bytes] = {}
    references = []
    for name, content in files.items():
        if PurePosixPath(name).name == MODEL:
            adapter = files.get(_sibling(name, ADAPTER))
            members[name + DIFFERENCE] = _exchange(content, base, adapter, scale)
        elif _is_beside(base_weights, name, content):
            references.append(name)
        else:
            members[name] = content
    index = {
        "adapter_scale": scale,
        "references": references,
        "sha256": {name: _sha256(content) for name, content in files.items()},
    }
    _write_archive(archive, {INDEX: json.dumps(index, indent=1).encode(), **members})


def unpack(archive: Path, folder: Path, base_weights: Path) -> None:
    """Write the packed run into `folder`, which must not exist; ValueError if a byte differs."""
    members = _read_archive(archive)
    index = json.loads(members.pop(INDEX))
    base = _read_tensors(base_weights.read_bytes())
    files = {name: content for name, content in members.items() if not name.endswith(DIFFERENCE)}
    for name in index["references"]:
        files[name] = (base_weights.parent / PurePosixPath(name).name).read_bytes()
    for member in members.keys() - files.keys():
        name = member.removesuffix(DIFFERENCE)
        adapter = files.get(_sibling(name, ADAPTER))
        files[name] = _exchange(members[member], base, adapter, index["adapter_scale"])
    _compare(files, index["sha256"])
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _exchange(
    content: bytes, base: Mapping[str, NDArray[Any]], adapter: bytes | None, scale: float
) -> bytes:
    """Turn a model file into its difference from the prediction, or the difference into the file.

    XOR is its own inverse, and both have the header that says where each tensor lies.
    """
    header_size, places = _read_header(content)
    updates = {} if adapter is None else _updates(_read_tensors(adapter), scale)
    whole = np.frombuffer(content, np.uint8).copy()
    for name, place in places.items():
        predicted = _predict(name, place, base, updates)
        if predicted is not None:
            whole[header_size + place.start : header_size + place.end] ^= predicted
    return whole.tobytes()


def _predict(
    name: str, place: Place, base: Mapping[str, NDArray[Any]], updates: Mapping[str, Floats]
) -> NDArray[np.uint8] | None:
    """Return the bytes that a merged tensor most likely has, or None for one of no known origin."""
    if name not in base or base[name].shape != place.shape or place.dtype != "F32":
        return None
    tensor = base[name].astype(np.float32)
    if name in updates:
        tensor = tensor + updates[name]
    return np.ascontiguousarray(tensor, dtype="<f4").reshape(-1).view(np.uint8)


def _updates(adapter: Mapping[str, NDArray[Any]], scale: float) -> dict[str, Floats]:
    """Return what the adapters add to each weight, which GPT-2 stores as input x output."""
    updates = {}
    for name, down in adapter.items():
        module, is_down, _ = name.partition(".lora_A.")
        if not is_down:
            continue
        up = adapter[name.replace(".lora_A.", ".lora_B.")].astype(np.float64)
        total = np.zeros((down.shape[1], up.shape[0]))
        for rank, row in enumerate(down.astype(np.float64)):
            total += row[:, None] * up[None, :, rank]
        updates[f"{module}.weight"] = (total * scale).astype(np.float32)
    return updates


def _adapter_scale(resolved: bytes) -> float:
    """Return lora_alpha / lora_rank of the run."""
    models = yaml.safe_load(resolved)["models"]
    return float(models["lora_alpha"]) / float(models["lora_rank"])


def _read_header(content: bytes) -> tuple[int, dict[str, Place]]:
    """Return where the data of a safetensors file begin, and where in them each tensor lies."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    places = {
        name: Place(entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return 8 + length, places


def _read_tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a safetensors file of float16 or float32."""
    size, places = _read_header(content)
    dtypes = {"F16": "<f2", "F32": "<f4"}
    tensors = {}
    for name, place in places.items():
        data = content[size + place.start : size + place.end]
        tensors[name] = np.frombuffer(data, dtypes[place.dtype]).reshape(place.shape)
    return tensors


def _is_beside(base_weights: Path, name: str, content: bytes) -> bool:
    twin = base_weights.parent / PurePosixPath(name).name
    return twin.is_file() and twin.read_bytes() == content


def _sibling(name: str, other: str) -> str:
    return (PurePosixPath(name).parent / other).as_posix()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _compare(files: Mapping[str, bytes], expected: Mapping[str, str]) -> None:
    """Raise a ValueError that names the files which are not those that were packed."""
    found = {name: _sha256(content) for name, content in files.items()}
    names = found.keys() | expected.keys()
    wrong = {name for name in names if found.get(name) != expected.get(name)}
    if wrong:
        raise ValueError(
            f"the unpacked run differs in {', '.join(sorted(wrong))}: these base weights are not "
            "the ones that it was packed with"
        )


def _write_archive(archive: Path, members: Mapping[str, bytes]) -> None:
    """Write members in order, without times and owners: the same run gives the same archive."""
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def _read_archive(archive: Path) -> dict[str, bytes]:
    members = {}
    with tarfile.open(archive, "r:xz") as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            place = PurePosixPath(entry.name)
            if file is None or place.is_absolute() or ".." in place.parts:
                raise ValueError(f"{archive} holds {entry.name!r}, which is no file of a run")
            members[entry.name] = file.read()
    return members
