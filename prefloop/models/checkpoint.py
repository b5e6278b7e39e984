"""Checkpoints: tensors as safetensors, the rest as JSON, complete or not there at all.

Each is a folder of its own, written beside its final place and renamed into it, with sizes and
sha256 in a manifest that is written last. So a crash at any byte leaves the last complete one.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prefloop.errors import CheckpointError, DivergedError
from prefloop.files import verify_folder, write_folder

KEEP = 2
"""Complete checkpoints that stay on disk."""


@dataclass(frozen=True)
class Checkpoint:
    """What was read back."""

    number: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save_checkpoint(
    parent: Path, number: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> Path:
    """Write checkpoint `number` below `parent`, then drop all but the newest complete ones."""
    folder = parent / f"checkpoint-{number:06d}"

    def write(place: Path) -> None:
        plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(plain, place / "tensors.safetensors")
        (place / "state.json").write_text(json.dumps(dict(state), sort_keys=True, indent=1))

    write_folder(folder, write)
    for old in _folders(parent)[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def load_checkpoint(parent: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest complete checkpoint below `parent`, or None if there never was one.

    A damaged checkpoint is named through `warn` and the one before it is taken. If all are
    damaged, a CheckpointError says so: silently starting over would lose work.
    """
    damaged = []
    for folder in _folders(parent):
        number = int(folder.name.split("-")[1])
        problems = verify_folder(folder)
        if not problems:
            state = json.loads((folder / "state.json").read_text())
            return Checkpoint(number, load_file(folder / "tensors.safetensors"), state)
        damaged.append(f"{folder}: {'; '.join(problems)}")
        warn(f"checkpoint {folder.name} is damaged ({problems[0]}); taking the one before it")
    if damaged:
        raise CheckpointError(
            "no complete checkpoint is left below "
            f"{parent}:\n" + "\n".join(damaged) + f"\nDelete {parent} to start this stage again."
        )
    return None


@contextmanager
def proving(parent: Path, number: int, *, spare_last: bool = False) -> Iterator[None]:
    """Take the first step from checkpoint `number`; if it diverges, drop that checkpoint.

    The step before may have ruined the weights without a number becoming NaN yet. A run that goes
    on takes the checkpoint before it, whose next step was fine. `spare_last` keeps the only one.
    """
    try:
        yield
    except DivergedError:
        suspect = parent / f"checkpoint-{number:06d}"
        if not spare_last or _folders(parent) != [suspect]:
            shutil.rmtree(suspect, ignore_errors=True)
        raise


def _folders(parent: Path) -> list[Path]:
    """Return the checkpoint folders, newest first."""
    if not parent.is_dir():
        return []
    return sorted(
        (p for p in parent.glob("checkpoint-*") if p.name.split("-")[1].isdigit()), reverse=True
    )


Named = Iterable[tuple[str, nn.Parameter]]


def training_tensors(named: Named, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return weights and Adam's moments under names that say which is which."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in named:
        tensors[f"weights/{name}"] = parameter
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{key}/{name}"] = torch.as_tensor(value)
    return tensors


def restore_training(
    tensors: Mapping[str, Tensor], named: Named, optimizer: torch.optim.Optimizer | None
) -> None:
    """Put weights and moments back; a name or shape that differs is an error."""
    named = list(named)
    wanted = {(name, tuple(parameter.shape)) for name, parameter in named}
    found = {
        (key.removeprefix("weights/"), tuple(tensor.shape))
        for key, tensor in tensors.items()
        if key.startswith("weights/")
    }
    if wanted != found:
        raise CheckpointError(
            f"the checkpoint holds other weights than this run trains: {len(wanted - found)} are "
            f"missing and {len(found - wanted)} are unknown, by name and shape. Were the models "
            "settings changed?"
        )
    with torch.no_grad():
        for name, parameter in named:
            parameter.copy_(tensors[f"weights/{name}"])
            if optimizer is None:
                continue
            moments = {
                key.split("/")[1]: tensors[key].clone()
                for key in (f"optimizer/{m}/{name}" for m in ("step", "exp_avg", "exp_avg_sq"))
                if key in tensors
            }
            if moments:
                optimizer.state[parameter] = moments
