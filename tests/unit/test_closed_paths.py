"""What may not be read is told as that, not as a file or folder that is not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefloop.access import why_closed
from prefloop.errors import InputError, PrefloopError
from prefloop.models.sources import resolve
from prefloop.prompts.news.fetch import FILE, fetch_news
from prefloop.prompts.sources import source_path
from prefloop.python.run_files import _label_file
from prefloop.run_file import load_run_file
from prefloop.run_paths import require_there
from prefloop.scorers.function import FunctionConfig, FunctionScorer
from prefloop.store.store import Store

OPENED: dict[str, Callable[[Path], Any]] = {
    "model folder": lambda path: resolve(str(path)),
    "run file": load_run_file,
    "prompt file": lambda path: source_path(str(path)),
    "labels": lambda path: _label_file(path.parent, path),
    "news": lambda path: fetch_news(path.parent),
    "news wheel": lambda path: fetch_news(Path("elsewhere"), wheel=path),
    "function": lambda path: FunctionScorer(FunctionConfig(file=str(path), function="f")),
    "store": lambda path: Store.open(path, read_only=True),
    "store's copy": lambda path: Store.open_thrown_away(path),
}
"""What is opened of each kind of path that a user names."""


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that nobody may enter or list; the tests may run as one who may everything."""
    folder, stat, access = tmp_path / "closed", Path.stat, os.access
    folder.mkdir()

    def refuse(path: Path, **options: Any) -> os.stat_result:
        if folder in Path(os.path.realpath(path)).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != folder and access(path, mode)
    )
    return folder


@pytest.mark.parametrize("kind", OPENED)
def test_what_lies_in_a_closed_folder_is_not_told_as_absent(closed: Path, kind: str) -> None:
    place = closed / FILE if kind == "news" else closed / "here"
    with pytest.raises(PrefloopError) as told:
        OPENED[kind](place)
    message = str(told.value)
    assert str(place) in message and f"you may not enter the folder {closed} (perm" in message
    assert "Ask its owner to let you in" in message


def test_a_folder_that_may_not_be_read_is_told_as_that(closed: Path) -> None:
    with pytest.raises(InputError, match=r"closed is there, and you may not read it .*chmod \+rx"):
        resolve(str(closed))
    assert why_closed(closed.parent) is None and why_closed(closed.parent / "nothing") is None
    assert why_closed(Path("x" * 5000)) is None and why_closed(Path("a\0b")) is None


def test_a_file_that_may_not_be_read_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, access = tmp_path / "pairs.jsonl", os.access
    file.write_text("{}")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != file and access(path, mode))
    with pytest.raises(InputError, match=r"pairs\.jsonl is there, and you may not .*chmod \+r\)"):
        _label_file(tmp_path, file)


def test_a_hub_name_is_not_looked_for_in_a_closed_folder(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stands in a folder that they may not read can name a model on the hub."""

    def refuse(path: Path, **_: Any) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr("prefloop.models.sources._from_hub", lambda name, *_, **__: Path(name))
    assert resolve("gpt2") == Path("gpt2")


def test_behind_a_link_it_is_the_closed_folder_that_is_named(closed: Path, tmp_path: Path) -> None:
    link = tmp_path / "open" / "link"
    link.parent.mkdir()
    link.symlink_to(closed / "here")
    problem = why_closed(link)
    assert problem is not None and f"you may not enter the folder {closed} (perm" in problem


def test_a_name_that_no_system_takes_is_told_as_absent() -> None:
    with pytest.raises(InputError, match="does not exist"):
        require_there(Path("x" * 5000))
