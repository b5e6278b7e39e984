"""Fixtures that several rooms share."""

import gc
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clock_for_tests import MovableClock
    from tests.postgres import Cluster

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what stands before an `&` with ^C ignored, and every process that a test starts
    # would inherit that; tests that send it one would wait in vain.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let garbage collections pass by what collecting the tests has loaded.

    Torch, transformers and thousands of tests are a million objects, which stay to the end; to walk
    them again and again took a twelfth of the time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _stores_made_alike() -> Iterator[None]:
    """What is the same for all new stores, schema and compiled statements, is made once."""
    from tests.fresh_stores import schema_made_once, statements_compiled_once

    with schema_made_once(), statements_compiled_once():
        yield


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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store in SQLite, to be copied: making one takes longer than most tests."""
    from prefloop.store.store import Store

    path = tmp_path_factory.mktemp("sqlite") / "prefloop.db"
    Store.open(path).close()
    assert not path.with_name("prefloop.db-wal").exists()
    return path


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """The path of an empty store in SQLite."""
    return Path(shutil.copy(sqlite_template, tmp_path / "prefloop.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str | Path:
    """Where an empty store is: both kinds of database in turn."""
    name = {"sqlite": "sqlite_path", "postgresql": "postgres_url"}[request.param]
    found: str | Path = request.getfixturevalue(name)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "MovableClock":
    """The clock of every database, for tests in which hours pass."""
    from tests.clock_for_tests import MovableClock

    return MovableClock(monkeypatch)
