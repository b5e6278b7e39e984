"""Saved folders: what is damaged is named, with what to do about it."""

import shutil
from pathlib import Path

import pytest

from prefloop.doctor.saved import check_saved
from prefloop.files import write_folder


def _write(place: Path) -> None:
    place.joinpath("weights").write_text("all of it")


def _save(folder: Path) -> None:
    write_folder(folder, _write)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with one model of each kind and two checkpoints."""
    for name in ("rewards/round-0", "policy/round-0", "policy/update-6"):
        _save(tmp_path / name)
    for number in (4, 6):
        _save(tmp_path / f"checkpoints/policy/checkpoint-{number:06d}")
    return tmp_path


def test_whole_folders_are_counted(run: Path, tmp_path: Path) -> None:
    (result,) = check_saved(run)
    assert (result.status, result.message) == ("ok", "5 saved folders verified by size and hash.")
    (nothing,) = check_saved(tmp_path / "empty")
    assert nothing.status == "later"


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("rewards/round-0", "trains it again where it still needs it"),
        ("policy/round-0", "exported again from the kept weights"),
        ("policy/update-6", "no more can be sampled"),
    ],
)
def test_a_damaged_model_is_bad_and_has_its_way_out(run: Path, name: str, action: str) -> None:
    (run / name / "weights").write_text("other text")
    first, whole = check_saved(run)
    assert first.status == "bad"
    assert first.message.startswith(f"{name} is damaged")
    assert action in first.action
    assert whole.message.startswith("4 saved folders")


def test_one_damaged_checkpoint_is_a_warning_and_all_of_them_are_bad(run: Path) -> None:
    stage = run / "checkpoints/policy"
    (stage / "checkpoint-000006/weights").write_text("other text")
    first, _ = check_saved(run)
    assert (first.status, first.action) == (
        "warn",
        "Nothing to do: the run continues from another one.",
    )
    (stage / "checkpoint-000004/weights").write_text("other text")
    first, second, _ = check_saved(run)
    assert {first.status, second.status} == {"bad"}
    assert f"Delete {stage} and run again" in first.action


def test_a_copy_of_a_checkpoint_is_no_other_one_to_continue_from(run: Path) -> None:
    stage = run / "checkpoints/policy"
    shutil.copytree(stage / "checkpoint-000006", stage / "checkpoint-000006-old")
    for number in (4, 6):
        (stage / f"checkpoint-{number:06d}/weights").write_text("other text")
    first, second, whole = check_saved(run)
    assert {first.status, second.status} == {"bad"}
    assert whole.message.startswith("3 saved folders")
