"""What the tables of this folder share: passages, a small run, and observations of runs."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.wiring.runs import save_model, small_run, write_passages
from tests.wiring.wires import Observer


@pytest.fixture(scope="session")
def passages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of passages."""
    return write_passages(tmp_path_factory.mktemp("passages") / "passages.jsonl")


@pytest.fixture(scope="session")
def base(passages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The settings from which one at a time is changed."""
    return small_run(save_model(tmp_path_factory.mktemp("model")), passages)


@pytest.fixture(scope="session")
def new_folder(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Path]:
    """A new run folder at each call, with an empty store in it."""
    parent, numbers = tmp_path_factory.mktemp("runs"), count()

    def new_folder() -> Path:
        folder = parent / str(next(numbers))
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "prefloop.db")
        return folder

    return new_folder


@pytest.fixture(scope="session")
def observer(base: dict[str, object], new_folder: Callable[[], Path]) -> Observer:
    """Observations of runs, each made once."""
    return Observer(base, new_folder)
