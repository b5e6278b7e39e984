"""Checkpoints: the newest complete one is read, and a damaged one is never read in silence."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from prefloop.errors import CheckpointError, DivergedError
from prefloop.models.checkpoint import (
    checkpoint_numbers,
    drop_if_next_step_diverges,
    forget_checkpoints_after,
    load_checkpoint,
    read_checkpoint,
    restore_training,
    save_checkpoint,
    training_tensors,
)
from tests.tolerances import EXACT


def save(parent: Path, *numbers: int) -> None:
    for number in numbers:
        save_checkpoint(parent, number, {"x": torch.full((3,), float(number))}, {"at": number})


def flip_a_byte(parent: Path, number: int, file: str = "tensors.safetensors") -> None:
    path = parent / f"checkpoint-{number:06d}" / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def trained(n_steps: int = 2, width: int = 3) -> tuple[nn.Linear, torch.optim.Adam]:
    torch.manual_seed(0)
    layer = nn.Linear(width, 2)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for step in range(n_steps):
        optimizer.zero_grad()
        layer(torch.full((4, width), float(step + 1))).square().sum().backward()
        optimizer.step()
    return layer, optimizer


def read(parent: Path) -> tuple[int | None, list[str]]:
    said: list[str] = []
    checkpoint = load_checkpoint(parent, said.append)
    if checkpoint is not None:
        expected = torch.full((3,), float(checkpoint.number))
        torch.testing.assert_close(checkpoint.tensors["x"], expected, **EXACT)
        assert checkpoint.state == {"at": checkpoint.number}
    return None if checkpoint is None else checkpoint.number, said


def test_the_one_just_written_stays_though_newer_ones_are_there(tmp_path: Path) -> None:
    """A run that goes back to an old checkpoint writes it again before it drops the newer ones."""
    save_checkpoint(tmp_path, 5, {"x": torch.zeros(1)}, {}, kept=(5,))
    save_checkpoint(tmp_path, 10, {"x": torch.zeros(1)}, {}, kept=(5,))
    save_checkpoint(tmp_path, 15, {"x": torch.zeros(1)}, {}, kept=(5,))
    save(tmp_path, 5)
    assert checkpoint_numbers(tmp_path) == [5, 10, 15]


def test_the_newest_is_read_and_two_are_kept(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == (None, [])
    save(tmp_path, 9, 10, 100)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-000010", "checkpoint-000100"]
    assert read(tmp_path) == (100, [])


def test_a_damaged_one_does_not_count_among_those_that_are_kept(tmp_path: Path) -> None:
    save(tmp_path, 5, 10)
    flip_a_byte(tmp_path, 10)
    save(tmp_path, 7)
    assert checkpoint_numbers(tmp_path) == [5, 7]
    flip_a_byte(tmp_path, 7)
    assert read(tmp_path)[0] == 5


def test_the_numbers_that_are_asked_for_stay(tmp_path: Path) -> None:
    for number in (3, 4, 5, 6, 7):
        save_checkpoint(tmp_path, number, {"x": torch.zeros(3)}, {}, kept={3, 5, 9})
    assert checkpoint_numbers(tmp_path) == [3, 5, 6, 7]


def test_a_named_checkpoint_is_read_and_later_ones_forgotten(tmp_path: Path) -> None:
    for number in (3, 6, 7):
        save_checkpoint(tmp_path, number, {"x": torch.ones(1)}, {"at": number}, kept={3})
    assert read_checkpoint(tmp_path, 3).state == {"at": 3}
    forget_checkpoints_after(tmp_path, 3)
    assert checkpoint_numbers(tmp_path) == [3]
    with pytest.raises(CheckpointError, match="checkpoint-000007 cannot be gone back to"):
        read_checkpoint(tmp_path, 7)
    flip_a_byte(tmp_path, 3)
    with pytest.raises(CheckpointError, match=r"tensors\.safetensors has changed"):
        read_checkpoint(tmp_path, 3)


def test_a_copy_that_somebody_put_beside_them_is_left_alone(tmp_path: Path) -> None:
    save(tmp_path, 1)
    kept = shutil.copytree(tmp_path / "checkpoint-000001", tmp_path / "checkpoint-000001-old")
    save(tmp_path, 2, 3)
    assert checkpoint_numbers(tmp_path) == [2, 3]
    forget_checkpoints_after(tmp_path, 0)
    assert read(tmp_path) == (None, [])
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_flipped_byte_is_told_and_the_one_before_taken(tmp_path: Path, file: str) -> None:
    save(tmp_path, 1, 2)
    flip_a_byte(tmp_path, 2, file)
    number, said = read(tmp_path)
    assert number == 1
    assert len(said) == 1 and "checkpoint-000002 is damaged" in said[0]


def test_when_all_are_damaged_nothing_starts_over_in_silence(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    flip_a_byte(tmp_path, 1)
    (tmp_path / "checkpoint-000002" / "state.json").unlink()
    with pytest.raises(CheckpointError, match="no complete checkpoint is left") as caught:
        read(tmp_path)
    assert "checkpoint-000001" in str(caught.value) and "state.json is missing" in str(caught.value)
    assert "Delete" in str(caught.value)


def test_a_half_written_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 1)
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path, 2, {"x": torch.zeros(3)}, {"at": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-000001"]
    assert read(tmp_path) == (1, [])


def test_weights_and_moments_come_back_bit_for_bit(tmp_path: Path) -> None:
    layer, optimizer = trained()
    tensors = training_tensors(layer.named_parameters(), optimizer)
    save_checkpoint(tmp_path, 1, tensors, {})
    checkpoint = load_checkpoint(tmp_path, print)
    assert checkpoint is not None
    fresh, its_optimizer = trained(0)
    restore_training(checkpoint.tensors, fresh.named_parameters(), its_optimizer)
    again = training_tensors(fresh.named_parameters(), its_optimizer)
    assert again.keys() == tensors.keys()
    assert {key.split("/")[1] for key in again if key.startswith("optimizer")} == {
        "step",
        "exp_avg",
        "exp_avg_sq",
    }
    for key, tensor in tensors.items():
        torch.testing.assert_close(again[key], tensor, **EXACT)


def test_moments_lie_as_their_weights_do_or_a_fused_step_goes_wrong(tmp_path: Path) -> None:
    """A checkpoint holds tensors row by row; these weights lie column by column."""

    def walk(*, pause: int) -> Tensor:
        weight = nn.Parameter(torch.arange(6.0).view(3, 2).T)
        optimizer = torch.optim.Adam([weight], lr=0.1, fused=True)
        for step in range(4):
            if step == pause:
                save_checkpoint(tmp_path, 1, training_tensors([("weight", weight)], optimizer), {})
                checkpoint = load_checkpoint(tmp_path, print)
                assert checkpoint is not None
                restore_training(checkpoint.tensors, [("weight", weight)], optimizer)
            weight.grad = torch.arange(6.0).view(2, 3) * (step - 1.5)
            optimizer.step()
        return weight.detach()

    torch.testing.assert_close(walk(pause=2), walk(pause=-1), **EXACT)


def misnamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.replace("bias", "offset"): value for key, value in tensors.items()}


def of_another_rank(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rows of length 1 would be spread over the whole weight by `copy_`."""
    return {k: v[..., :1] if k == "weights/weight" else v for k, v in tensors.items()}


@pytest.mark.parametrize("change", [misnamed, of_another_rank])
def test_other_names_or_shapes_are_refused_and_touch_nothing(change: object) -> None:
    layer, optimizer = trained()
    tensors = change(training_tensors(layer.named_parameters(), optimizer))  # type: ignore[operator]
    fresh, its_optimizer = trained(0)
    before = fresh.weight.detach().clone()
    with pytest.raises(CheckpointError, match=r"1 are missing and 1 are unknown"):
        restore_training(tensors, fresh.named_parameters(), its_optimizer)
    torch.testing.assert_close(fresh.weight.detach(), before, **EXACT)
    assert not its_optimizer.state


def test_a_checkpoint_whose_next_step_diverges_is_dropped(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    with pytest.raises(DivergedError), drop_if_next_step_diverges(tmp_path, 2):
        raise DivergedError("nan")
    assert read(tmp_path)[0] == 1
    with (
        pytest.raises(DivergedError),
        drop_if_next_step_diverges(tmp_path, 1, keep_only_checkpoint=True),
    ):
        raise DivergedError("nan")
    assert read(tmp_path)[0] == 1
