"""One fake run for all tests of the report."""

from pathlib import Path

import pytest

from prefloop.report.build import build_report
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config, make_run


@pytest.fixture(scope="session")
def fake_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two rounds with everything measured, and its report."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "my-run", n_held_out=40)
    with Store.open(folder / "prefloop.db") as store:
        build_report(folder, store, fake_config(report={"pairs": 40}))
    return folder


@pytest.fixture(scope="session")
def page(fake_run: Path) -> str:
    """The report's text."""
    return (fake_run / "report" / "index.html").read_text(encoding="utf-8")
