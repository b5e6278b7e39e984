from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.store.store import Store
from tests.unit.store.records_for_tests import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prefloop.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store with three questions of four samples each."""
    with Store.open(path) as opened:
        fill(opened)
        yield opened
