"""One fake run for all tests of the report."""

from pathlib import Path

import pytest

from prefloop.report.build import build_report
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config, make_run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of two rounds with everything measured, and its report as it was first written: tests
    may write another into the same folder."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "my-run", n_held_out=40)
    with Store.open(folder / "prefloop.db") as store:
        written = build_report(folder, store, fake_config(report={"pairs": 40}))
    return folder, written.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def fake_run(made: tuple[Path, str]) -> Path:
    """The folder of the run."""
    return made[0]


@pytest.fixture(scope="session")
def page(made: tuple[Path, str]) -> str:
    """The report's text."""
    return made[1]
