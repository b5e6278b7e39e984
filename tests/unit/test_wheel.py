"""The wheel holds what the package reads, and its one version."""

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from prefloop import __version__
from tests.architecture.source import PACKAGE, ROOT
from tests.made_once import made_once

NOT_SHIPPED = {".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    (built,) = made_once(tmp_path_factory, "wheel", build).glob("*.whl")
    return built


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }
    kinds = {Path(name).suffix for name in ours}
    assert kinds >= {".py", ".jinja", ".js", ".css", ".yaml", ".safetensors", ".json", ".typed"}
    with ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if not name.split("/")[0].endswith("info")}
        licenses = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert shipped == ours
    assert licenses == {"LICENSE", "NOTICE"}


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"] and "version" not in project
    assert wheel.name.split("-")[1] == __version__
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in cited


def test_what_the_wheel_asks_for_is_pinned(wheel: Path) -> None:
    """Without extras: those of databases and tables are pinned by what the tests install."""
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("METADATA"))
        lines = archive.read(name).decode().splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line]
    plain = {r.split(">=")[0].split(";")[0].lower() for r in required if "extra ==" not in r}
    pinned = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    assert len(plain) > 20 and "extra == 'data'" in " ".join(required)
    assert {name for name in plain if f"\n{name.replace('_', '-')}==" not in pinned} == set()
