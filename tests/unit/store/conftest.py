from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.store.store import Store
from tests.postgres import Cluster
from tests.unit.store.records_for_tests import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store in SQLite will be."""
    return tmp_path / "prefloop.db"


@pytest.fixture
def store(place: str | Path) -> Iterator[Store]:
    """A store with three questions of four samples each, in both kinds of database in turn."""
    with Store.open(place) as opened:
        fill(opened)
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, path: Path) -> Iterator[str | Path]:
    """Where there is no store yet: no file, or an empty database."""
    if request.param == "sqlite":
        yield path
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.new_database(template="template0") as url:
        yield url


@pytest.fixture
def file_store(sqlite_path: Path) -> Iterator[Store]:
    """The same in SQLite only, at `path`."""
    with Store.open(sqlite_path) as opened:
        fill(opened)
        yield opened
