"""Paths in a run file lead from its own folder first, wherever the command is typed."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.access import is_there
from prefloop.run_file import as_yaml, load_run_file, load_sections
from prefloop.run_paths import expanded, found_paths, kept_paths

EVERYWHERE: dict[str, Any] = {
    "store": "labels.db",
    "models": {"name": "base"},
    "prompts": {"source": "prompts.txt"},
    "comparisons": {"people": {"certificate": "c.pem", "key": "k.pem"}, "strings": "de.yaml"},
    "scorers": {"mine": {"kind": "function", "file": "score.py", "function": "base"}},
    "judges": {"theirs": {"kind": "other", "folder": "base"}},
    "evaluation": {"models": ["reference", "base"]},
}
NAMES = ("base", "prompts.txt", "c.pem", "k.pem", "de.yaml", "score.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with every file that the run file names; the current folder is beside it."""
    run = tmp_path / "here" / "run"
    run.mkdir(parents=True)
    for name in NAMES:
        (run / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    return Path("run")


def test_every_path_leads_from_the_run_file(folder: Path) -> None:
    assert found_paths(EVERYWHERE, folder) == {
        "store": "run/labels.db",
        "models": {"name": "run/base"},
        "prompts": {"source": "run/prompts.txt"},
        "comparisons": {
            "people": {"certificate": "run/c.pem", "key": "run/k.pem"},
            "strings": "run/de.yaml",
        },
        "scorers": {"mine": {"kind": "function", "file": "run/score.py", "function": "base"}},
        "judges": {"theirs": {"kind": "other", "folder": "run/base"}},
        "evaluation": {"models": ["reference", "run/base"]},
    }


def test_what_was_found_is_kept_as_it_was_written(folder: Path) -> None:
    (folder / "labels.db").touch()
    assert kept_paths(found_paths(EVERYWHERE, folder), folder) == EVERYWHERE
    absolute = found_paths(EVERYWHERE, folder.resolve())
    assert absolute["models"]["name"] == str(folder.resolve() / "base")
    assert kept_paths(absolute, folder) == EVERYWHERE


@pytest.mark.parametrize(
    "name", ["smollm2", "builtin:tiny", "gpt2", "/etc", "~/models", "postgresql://x/y"]
)
def test_names_and_absolute_paths_stay(folder: Path, name: str) -> None:
    raw = {"models": {"name": name}}
    assert found_paths(raw, folder) == raw
    assert kept_paths(raw, folder) == raw


@pytest.mark.parametrize("name", ["~nobody-here/model", "x" * 300])
def test_a_name_that_no_system_takes_stays(folder: Path, name: str) -> None:
    raw = {"models": {"name": name}, "store": name}
    assert found_paths(raw, folder)["models"] == kept_paths(raw, folder)["models"] == raw["models"]
    assert not is_there(expanded(name))


def test_a_policy_of_the_run_is_named_and_no_path(folder: Path) -> None:
    names = ["policy/round-0", "policy/update-8-branch-1"]
    for name in names:
        (folder / name).mkdir(parents=True)
    assert found_paths({"evaluation": {"models": names}}, folder)["evaluation"]["models"] == names


def test_the_current_folder_comes_second(folder: Path) -> None:
    Path("prompts.txt").touch()
    Path("only-here.txt").touch()
    assert found_paths({"prompts": {"source": "prompts.txt"}}, folder) == {
        "prompts": {"source": "run/prompts.txt"}
    }
    raw = {"prompts": {"source": "only-here.txt"}}
    assert found_paths(raw, folder) == raw
    assert kept_paths(raw, folder) == {"prompts": {"source": "../only-here.txt"}}


def test_a_moved_folder_finds_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "run.yaml").write_text(yaml.safe_dump({"prompts": {"source": "prompts.txt"}}))
    config = load_run_file(folder / "run.yaml")
    assert config.prompts.source == "run/prompts.txt"
    (folder / "run.resolved.yaml").write_text(as_yaml(config, folder))
    os.rename("run", "moved")
    monkeypatch.chdir("moved")
    assert load_sections(Path("run.resolved.yaml")).prompts.source == "prompts.txt"


def test_an_override_leads_from_where_it_is_typed(folder: Path) -> None:
    (folder / "run.yaml").write_text("task: sentiment\n")
    config = load_run_file(folder / "run.yaml", ["prompts.source=prompts.txt"])
    assert config.prompts.source == "prompts.txt"


@pytest.mark.parametrize(
    "raw",
    [{"models": None}, {"scorers": ["x"]}, {"scorers": {"x": 1}}, {"evaluation": {"models": 3}}],
)
def test_sections_of_a_wrong_shape_are_left_to_others(folder: Path, raw: dict[str, Any]) -> None:
    assert found_paths(raw, folder) == raw


def test_a_link_to_the_run_folder_leads_to_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong twin: taking `..` away by its letters, which leaves the link and not its folder."""
    real, link = tmp_path / "big" / "disk" / "run", tmp_path / "run"
    real.mkdir(parents=True)
    link.symlink_to(real)
    for place, text in ((tmp_path / "big" / "disk", "meant"), (tmp_path, "another")):
        (place / "prompts.txt").write_text(text)
    raw = {"prompts": {"source": "../prompts.txt"}}
    monkeypatch.chdir(tmp_path)
    for folder in (Path("run"), link, real):
        found = found_paths(raw, folder)
        assert Path(found["prompts"]["source"]).read_text() == "meant"
        assert kept_paths(found, folder) == raw
    beside = kept_paths({"prompts": {"source": "prompts.txt"}}, Path("run"))
    assert (link / beside["prompts"]["source"]).read_text() == "another"


def test_a_link_in_the_run_folder_is_kept_as_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "more.txt").touch()
    (folder / "data").symlink_to(tmp_path / "data")
    raw = {"prompts": {"source": "data/more.txt"}}
    assert kept_paths(found_paths(raw, folder), folder) == raw
