"""A desk per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.web.desk import Desk, make_desk, open_store


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A store with people and questions, and the app over it."""
    with open_store(tmp_path) as store:
        made = make_desk(store)
        yield made
        made.app.state.parts.close()
