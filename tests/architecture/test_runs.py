"""Every run file that comes with the project means something."""

from pathlib import Path

import pytest
import yaml

from prefloop.cli import main
from prefloop.experiments.method_settings import method_settings
from prefloop.run_file import RunFileLoader, as_yaml, load_run_file, parse_run
from prefloop.settings.run import RunConfig
from prefloop.settings.run_file import METHODS_KEY
from tests.architecture.source import ROOT

PACKAGED = sorted((Path(main.__file__).parent / "runs").glob("*.yaml"))
PUBLISHED = sorted((ROOT / "runs").glob("*.yaml"))


def test_the_demos_have_their_run_files() -> None:
    assert {path.stem for path in PACKAGED} >= {"demo", "fast"}


@pytest.mark.parametrize("path", PACKAGED + PUBLISHED, ids=lambda path: path.stem)
def test_run_file_loads_and_survives_being_written_out(path: Path) -> None:
    for config in runs_of(path):
        again = yaml.load(as_yaml(config), Loader=RunFileLoader)
        assert parse_run(again, path.name) == config


def runs_of(path: Path) -> list[RunConfig]:
    """Return the run of a file, or those of its methods and the one that they share."""
    if METHODS_KEY not in yaml.load(path.read_text(encoding="utf-8"), Loader=RunFileLoader):
        return [load_run_file(path)]
    shared, configs = method_settings(path, None)
    return [shared, *configs.values()]


@pytest.mark.parametrize("path", PACKAGED + PUBLISHED, ids=lambda path: path.stem)
def test_run_file_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
