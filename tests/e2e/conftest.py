"""The command line as a fixture, and finished runs for the tests that only look at them."""

from pathlib import Path

import pytest

from tests.e2e.command import Command
from tests.e2e.live_run import both_rounds, go, make_people_run
from tests.e2e.small_run import finish, make_run


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The `prefloop` command."""
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def finished_run(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one round that ended; copy it before changing anything."""
    run = make_run(tmp_path_factory.mktemp("finished") / "run", gpt2_folder, rounds=1)
    finish(run)
    return run


@pytest.fixture(scope="session")
def straight_people(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that asked people, and that nobody disturbed."""
    run = make_people_run(tmp_path_factory.mktemp("straight") / "run", gpt2_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prefloop.run.waiting.POLL_SECONDS", 0.01)
        go(run, both_rounds(run))
    return run
