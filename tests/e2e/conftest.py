"""The command line as a fixture, and finished runs for the tests that only look at them."""

from pathlib import Path

import pytest

from tests.e2e.command import Command
from tests.e2e.known_reward import make_known_reward
from tests.e2e.live_run import both_rounds, go, make_people_run
from tests.e2e.small_run import finish, make_run
from tests.made_once import made_once


@pytest.fixture
def prefloop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The `prefloop` command."""
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def finished_run(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one round that ended; copy it before opening it: other workers copy it too."""
    return made_once(
        tmp_path_factory,
        "finished",
        lambda folder: finish(make_run(folder, gpt2_folder, rounds=1)),
    )


@pytest.fixture(scope="session")
def two_rounds(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two rounds that ended and that nobody disturbed; copy it before opening it."""
    return made_once(
        tmp_path_factory, "two-rounds", lambda folder: finish(make_run(folder, gpt2_folder))
    )


@pytest.fixture(scope="session")
def known_reward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in float32 that followed a scorer and ended; copy it before opening it."""
    return made_once(
        tmp_path_factory, "known-reward", lambda folder: finish(make_known_reward(folder))
    )


@pytest.fixture(scope="session")
def straight_people(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that asked people, and that nobody disturbed."""

    def make(folder: Path) -> None:
        run = make_people_run(folder, gpt2_folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("prefloop.run.waiting.POLL_SECONDS", 0.01)
            go(run, both_rounds(run))

    return made_once(tmp_path_factory, "straight-people", make)
