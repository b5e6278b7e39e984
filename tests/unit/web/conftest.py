"""A desk per test, each over a copy of one store that was filled once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.web.desk import Desk, desk_over, make_desk, open_store


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with people and questions, closed."""
    folder = tmp_path_factory.mktemp("filled")
    with open_store(folder) as store:
        make_desk(store).app.state.services.close()
    return folder / "prefloop.db"


@pytest.fixture
def desk(tmp_path: Path, filled: Path) -> Iterator[Desk]:
    """A store with people and questions, and the app over it."""
    shutil.copy(filled, tmp_path / "prefloop.db")
    with open_store(tmp_path) as store:
        made = desk_over(store)
        yield made
        made.app.state.services.close()
