"""Checkpoints: tensors as safetensors, the rest as JSON, complete or not there at all.

Each is a folder of its own, written beside its final place and renamed into it, with sizes and
sha256 in a manifest that is written last. So a crash at any byte leaves the last complete one.
"""

import json
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prefloop.errors import CheckpointError, DivergedError
from prefloop.files import remove_folder, verify_folder, write_folder
from prefloop.models.sharded_weights import MOMENTS, put, sharded_parameter, whole

KEEP = 2
"""Complete checkpoints that stay on disk."""

CHECKPOINT_NAME = re.compile(r"checkpoint-[0-9]+")
"""What the folder of a checkpoint is called."""


@dataclass(frozen=True)
class Checkpoint:
    """A training state: tensors by name, and the rest as JSON."""

    number: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save_checkpoint(
    parent: Path,
    number: int,
    tensors: Mapping[str, Tensor],
    state: Mapping[str, Any],
    *,
    kept: Collection[int] = (),
) -> Path:
    """Write checkpoint `number` below `parent`, then drop all but the newest complete ones.

    Those whose number is in `kept` stay as well.
    """
    folder = checkpoint_folder(parent, number)

    def write(place: Path) -> None:
        plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(plain, place / "tensors.safetensors")
        (place / "state.json").write_text(json.dumps(dict(state), sort_keys=True, indent=1))

    write_folder(folder, write)
    _drop_old(parent, kept, written=folder)
    return folder


def load_checkpoint(parent: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest complete checkpoint below `parent`, or None if there never was one.

    A damaged checkpoint is named through `warn` and the one before it is taken. If all are
    damaged, a CheckpointError says so: silently starting over would lose work.
    """
    damaged = []
    for folder in _folders(parent):
        problems = verify_folder(folder)
        if not problems:
            return _read(folder)
        damaged.append(f"{folder}: {'; '.join(problems)}")
        warn(f"checkpoint {folder.name} is damaged ({problems[0]}); taking the one before it")
    if damaged:
        raise CheckpointError(
            "no complete checkpoint is left below "
            f"{parent}:\n" + "\n".join(damaged) + f"\nDelete {parent} to start this stage again."
        )
    return None


def read_checkpoint(parent: Path, number: int) -> Checkpoint:
    """Return one checkpoint by its number; CheckpointError if it is not complete."""
    folder = checkpoint_folder(parent, number)
    problems = verify_folder(folder)
    if problems:
        raise CheckpointError(f"{folder} cannot be gone back to: {'; '.join(problems)}.")
    return _read(folder)


def forget_checkpoints_after(parent: Path, number: int) -> None:
    """Drop the checkpoints after `number`, from which the run continues on another branch."""
    for folder in _folders(parent):
        if _number(folder) > number:
            remove_folder(folder)


def checkpoint_numbers(parent: Path) -> list[int]:
    """Return the numbers of the checkpoints that are complete by name and size, oldest first."""
    whole = [folder for folder in _folders(parent) if not verify_folder(folder, hashes=False)]
    return sorted(_number(folder) for folder in whole)


def checkpoint_folder(parent: Path, number: int) -> Path:
    """Return where checkpoint `number` lies."""
    return parent / f"checkpoint-{number:06d}"


@contextmanager
def drop_if_next_step_diverges(
    parent: Path, number: int, *, keep_only_checkpoint: bool = False
) -> Iterator[None]:
    """Take the first step from checkpoint `number`; if it diverges, drop that checkpoint.

    The step before may have ruined the weights without a number becoming NaN yet. A run that goes
    on takes the checkpoint before it, whose next step was fine. `keep_only_checkpoint` keeps the
    last one that is left.
    """
    try:
        yield
    except DivergedError:
        suspect = checkpoint_folder(parent, number)
        if not keep_only_checkpoint or _folders(parent) != [suspect]:
            shutil.rmtree(suspect, ignore_errors=True)
        raise


def _drop_old(parent: Path, kept: Collection[int], *, written: Path) -> None:
    """Drop complete checkpoints except the newest, and the damaged ones among these.

    A damaged one does not count: there would be only one left to go back to.
    """
    n_complete = 0
    for folder in _folders(parent):
        if n_complete >= KEEP:
            is_spare = folder != written and _number(folder) not in kept
        else:
            is_spare = folder != written and bool(verify_folder(folder))
            n_complete += not is_spare
        if is_spare:
            shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> Checkpoint:
    state = json.loads((folder / "state.json").read_text())
    return Checkpoint(_number(folder), load_file(folder / "tensors.safetensors"), state)


def _number(folder: Path) -> int:
    return int(folder.name.removeprefix("checkpoint-"))


def _folders(parent: Path) -> list[Path]:
    """Return the checkpoint folders, newest first."""
    if not parent.is_dir():
        return []
    # A copy that somebody put beside them, such as checkpoint-000012-old, is not ours to drop.
    return sorted(
        (p for p in parent.glob("checkpoint-*") if CHECKPOINT_NAME.fullmatch(p.name)), reverse=True
    )


Named = Iterable[tuple[str, nn.Parameter]]


def training_tensors(named: Named, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return weights and Adam's moments under names that say which is which."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in named:
        tensors[f"weights/{name}"] = whole(parameter)
        for key, value in _moments_of(optimizer, parameter).items():
            tensors[f"optimizer/{key}/{name}"] = value
    return tensors


def _moments_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, Tensor]:
    sharded = sharded_parameter(parameter)
    if sharded is not None:
        return sharded.weights.moments(sharded.name, optimizer)
    state = optimizer.state.get(parameter, {})
    return {key: torch.as_tensor(value, device=parameter.device) for key, value in state.items()}


def restore_training(
    tensors: Mapping[str, Tensor], named: Named, optimizer: torch.optim.Optimizer | None
) -> None:
    """Put weights and moments back; a name or shape that differs is an error.

    A parameter without saved moments has none afterwards, whatever it had before.
    """
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
    for name, parameter in named:
        put(parameter, tensors[f"weights/{name}"])
        if optimizer is not None:
            keys = {moment: f"optimizer/{moment}/{name}" for moment in MOMENTS}
            saved = {moment: tensors[key] for moment, key in keys.items() if key in tensors}
            _put_moments(optimizer, parameter, saved)


@torch.no_grad()
def _put_moments(
    optimizer: torch.optim.Optimizer, parameter: nn.Parameter, saved: Mapping[str, Tensor]
) -> None:
    sharded = sharded_parameter(parameter)
    if sharded is not None:
        sharded.weights.put_moments(sharded.name, optimizer, saved)
        return
    moments = {}
    for moment, values in saved.items():
        # A fused step goes through weight and moments as they lie in memory, and wants all of them
        # on one device, the count of steps included.
        like = values if moment == "step" else parameter
        moments[moment] = torch.empty_like(like, device=parameter.device).copy_(values)
    optimizer.state.pop(parameter, None)
    if moments:
        optimizer.state[parameter] = moments
