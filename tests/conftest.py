"""Fixtures that several rooms share."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clock_for_tests import MovableClock
    from tests.postgres import Cluster


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 folder of random weights whose tokenizer has no pad token, like GPT-2's."""
    from tests.models_for_tests import save_gpt2

    return save_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama folder of random weights."""
    from tests.models_for_tests import save_llama

    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session", params=["gpt2", "llama"])
def model_folder(request: pytest.FixtureRequest) -> Path:
    """Both architectures in turn."""
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator["Cluster"]:
    """A PostgreSQL server that runs until the last test is over."""
    from tests.postgres import running_cluster

    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres: "Cluster") -> Iterator[str]:
    """The URL of an empty store in PostgreSQL."""
    with postgres.new_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str | Path:
    """Where an empty store is, or will be: both kinds of database in turn."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    folder: Path = request.getfixturevalue("tmp_path")
    return folder / "prefloop.db"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "MovableClock":
    """The clock of every database, for tests in which hours pass."""
    from tests.clock_for_tests import MovableClock

    return MovableClock(monkeypatch)
