"""Options of an installed labeler, when a run resumes: labels of two meanings are not mixed."""

from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import SettingsError
from tests.unit.run.test_kept_settings import begun, reported, settings

SOURCE = """
from prefloop.settings.section import Section


class Editor:
    class Settings(Section):
        operational = frozenset({"patience"})
        position: int = 0
        patience: int = 1
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers a labeler with settings."""
    info = tmp_path / "patient-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefloop.labelers]\nadult = patient_one:Editor\n")
    (tmp_path / "patient_one.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


def labeled_by(**options: Any) -> dict[str, Any]:
    return {"comparisons": {"labelers": "adult", "options": options}}


@pytest.mark.parametrize("now", [{"position": 2}, {}])
def test_what_the_labeler_answers_may_not_change(tmp_path: Path, now: dict[str, Any]) -> None:
    run = begun(tmp_path, settings(**labeled_by(position=1)))
    with pytest.raises(SettingsError, match=r"comparisons\.options was .*labels .* would be mixed"):
        reported(run, **labeled_by(**now))


def test_how_patiently_it_is_asked_may_change_and_so_may_who_is_asked(tmp_path: Path) -> None:
    run = begun(tmp_path, settings(**labeled_by(position=1)))
    [told] = reported(run, **labeled_by(position=1, patience=5))
    assert told.startswith("comparisons.options was {'position': 1} and is")
    assert len(reported(run, comparisons={"labelers": "people"})) == 2
