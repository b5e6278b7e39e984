"""A run file in place of a run folder."""

from pathlib import Path

import pytest

from prefloop.cli.run_folder_of import folder_of
from prefloop.errors import InputError, PrefloopError
from prefloop.run_file import load_run_file

TEXT = "# mine\ntask: sentiment\nstore: labels.db\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_and_its_own_run_file_are_that_folder(here: Path) -> None:
    assert folder_of(Path("my-run")) == Path("my-run")
    Path("my-run").mkdir()
    Path("my-run/run.yaml").write_text(TEXT)
    assert folder_of(Path("my-run/run.yaml")) == Path("my-run")


def test_any_other_file_gets_a_folder_and_that_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("runs").mkdir()
    Path("runs/known.yaml").write_text(TEXT)
    for _ in range(2):
        assert folder_of(Path("runs/known.yaml")) == Path("known")
        assert "runs/known.yaml runs in the folder known" in capsys.readouterr().err
    assert Path("known/run.yaml").read_text() == TEXT


def test_paths_of_the_file_still_lead_to_its_files(here: Path) -> None:
    Path("runs").mkdir()
    Path("runs/mine.txt").write_text("A prompt.")
    Path("runs/known.yaml").write_text(f"{TEXT}prompts: {{source: mine.txt}}\n")
    config = load_run_file(folder_of(Path("runs/known.yaml")) / "run.yaml")
    assert config.prompts.source == str(here / "runs" / "mine.txt")
    assert config.store == "known/labels.db"


def test_another_run_in_the_folder_is_not_touched(here: Path) -> None:
    Path("known.yaml").write_text(TEXT)
    Path("known").mkdir()
    Path("known/run.yaml").write_text("task: descriptiveness\n")
    with pytest.raises(InputError, match=r"known/run\.yaml differs from known\.yaml"):
        folder_of(Path("known.yaml"))
    assert Path("known/run.yaml").read_text() == "task: descriptiveness\n"


@pytest.mark.parametrize("text", ["task: nonsense\n", "a: [", "- 1\n", "\x00"])
def test_a_file_with_a_mistake_makes_no_folder(here: Path, text: str) -> None:
    Path("known.yaml").write_text(text)
    with pytest.raises(PrefloopError):
        folder_of(Path("known.yaml"))
    assert not Path("known").exists()


def test_a_file_without_a_suffix_is_in_the_way_of_its_folder(here: Path) -> None:
    Path("known").write_text(TEXT)
    with pytest.raises(InputError, match="a file is there"):
        folder_of(Path("known"))
