"""Verbs that make nothing change no byte of a run, and need no right to write there."""

import os
import shutil
from pathlib import Path

import pytest

from prefloop.run_folder import read_run_folder
from tests.e2e.command import Command
from tests.unit.store.core.test_database_copy import tree


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed, and that names its prompts by where they lie in it."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    text = (run / "run.yaml").read_text()
    (run / "run.yaml").write_text(text.replace(str(finished_run / "prompts.txt"), "prompts.txt"))
    return run


def look_at(prefloop: Command, run: Path, elsewhere: Path) -> None:
    """Every verb that makes nothing."""
    prefloop.done("show", run, "-n", 2)
    prefloop.done("show", run, "--json")
    prefloop("doctor", run)
    prefloop.done("store", "verify", run)
    prefloop.done("export", run, elsewhere / "labels.jsonl")
    prefloop.done("team", "list", run)
    prefloop.done("samples", "try", run, "It was day 3.", "-n", 1)


def test_looking_changes_no_byte(prefloop: Command, run: Path, tmp_path: Path) -> None:
    before = tree(run)
    look_at(prefloop, run, tmp_path)
    prefloop.done("prompts", run)
    assert tree(run) == before
    prefloop.done("report", run)
    changed = {name for name, data in tree(run).items() if before.get(name) != data}
    assert {name.split("/")[0] for name in changed} <= {"report"}


def test_a_run_where_nothing_can_be_written(
    prefloop: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, may = tree(run), os.access

    def access(path: os.PathLike[str] | str, mode: int, **more: bool) -> bool:
        is_ours = Path(path) == run or run in Path(path).parents
        return not (is_ours and mode & os.W_OK) and may(path, mode, **more)

    def refused(path: os.PathLike[str] | str, flags: int, *rest: int, **more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and run in Path(os.fsdecode(path)).parents:
            raise OSError(30, "Read-only file system", str(path))
        return opened(path, flags, *rest, **more)

    opened = os.open
    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "open", refused)
    look_at(prefloop, run, tmp_path)
    checks = prefloop("doctor", run, "--json").json()["results"]
    assert not [check for check in checks if check["stage"] == "store" and check["status"] == "bad"]
    told = prefloop.refused("report", run)
    assert "could not be written, and nothing was changed" in told
    assert "the disk is read-only" in told and "--to FOLDER" in told
    latest = read_run_folder(run).latest
    assert latest is not None and f'It would begin with: "{latest.figures.verdict}"' in told
    prefloop.done("report", run, "--to", tmp_path / "away")
    page = (tmp_path / "away/index.html").read_text()
    assert 'href="../run/run.yaml"' in page and (tmp_path / "away/provenance.json").is_file()
    assert "prompts" in prefloop.done("prompts", run).out
    other = prefloop("prompts", run, "prompts.limit=3")
    assert "No prompt was stored, and nothing was changed." in other.err
    assert other.out.startswith("160 prompts, ")
    assert tree(run) == before
