"""Every run file that comes with the project means something."""

from pathlib import Path

import pytest
import yaml

from prefloop.cli import main
from prefloop.run_file import RunFileLoader, as_yaml, load_run_file, parse_run
from tests.architecture.source import ROOT

PACKAGED = sorted((Path(main.__file__).parent / "runs").glob("*.yaml"))
PUBLISHED = sorted((ROOT / "runs").glob("*.yaml"))


def test_the_demos_have_their_run_files() -> None:
    assert {path.stem for path in PACKAGED} >= {"demo", "fast"}


@pytest.mark.parametrize("path", PACKAGED + PUBLISHED, ids=lambda path: path.stem)
def test_run_file_loads_and_survives_being_written_out(path: Path) -> None:
    config = load_run_file(path)
    again = yaml.load(as_yaml(config), Loader=RunFileLoader)
    assert parse_run(again, path.name) == config


@pytest.mark.parametrize("path", PACKAGED + PUBLISHED, ids=lambda path: path.stem)
def test_run_file_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
