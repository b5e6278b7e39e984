"""A store where nothing can be written is read from a copy, WAL included, and left as it is."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from prefloop.access import is_write_protected
from prefloop.doctor.foundations import check_store
from prefloop.errors import StoreError
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import fill, label


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def protected(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with labels in its WAL, in a folder that the system says nobody may write."""
    with Store.open(sqlite_path) as store:
        fill(store)
        store.add_labels([label(0, question=0)])
        kept = {end: sqlite_path.with_name(sqlite_path.name + end) for end in ("", "-wal")}
        bytes_of = {end: path.read_bytes() for end, path in kept.items()}
    # As a process leaves them that is killed: the last labels are in the WAL alone.
    for end, data in bytes_of.items():
        kept[end].write_bytes(data)
    folder, may = sqlite_path.parent, os.access

    def access(path: os.PathLike[str] | str, mode: int) -> bool:
        is_ours = Path(path) == folder or folder in Path(path).parents
        return not (is_ours and mode & os.W_OK) and may(path, mode)

    monkeypatch.setattr(os, "access", access)
    return sqlite_path


def test_it_is_read_and_nothing_beside_it_changes(protected: Path) -> None:
    assert is_write_protected(protected) and is_write_protected(protected.parent)
    before = tree(protected.parent)
    assert "prefloop.db-wal" in before
    with Store.open(protected, read_only=True) as store:
        assert [x.id for x in store.labels()] == ["l0"]
        with pytest.raises(StoreError, match="it lies where nothing can"):
            store.add_labels([label(1, question=1)])
    assert tree(protected.parent) == before


def test_a_copy_that_takes_writes_is_thrown_away(protected: Path) -> None:
    before = tree(protected.parent)
    with Store.open_thrown_away(protected) as store:
        store.people.add("ann", "labeler")
        assert [person.name for person in store.people.all()] == ["ann"]
    assert tree(protected.parent) == before
    with Store.open(protected, read_only=True) as store:
        assert store.people.all() == []


def test_the_copies_are_gone_when_they_are_closed(
    protected: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with Store.open(protected, read_only=True):
        assert len(list(place.iterdir())) == 1
    assert list(place.iterdir()) == []
    protected.write_bytes(b"no database at all, but long enough to be looked at")
    with pytest.raises(StoreError):
        Store.open(protected, read_only=True)
    assert list(place.iterdir()) == []


def test_a_store_that_can_be_written_is_read_in_its_place(sqlite_path: Path) -> None:
    assert not is_write_protected(sqlite_path)
    with Store.open(sqlite_path, read_only=True) as reader, Store.open(sqlite_path) as writer:
        fill(writer)
        assert len(reader.prompts()) == len(writer.prompts()) > 0


def test_a_store_that_changes_while_it_is_copied_is_copied_again(
    protected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, n_copied = shutil.copyfile, 0

    def copy(source: Path, target: Path) -> None:
        nonlocal n_copied
        n_copied += 1
        copied(source, target)
        if n_copied <= n_changes:
            with source.open("r+b"):
                os.utime(source, ns=(n_copied, n_copied))

    monkeypatch.setattr(shutil, "copyfile", copy)
    n_changes = 3
    with Store.open(protected, read_only=True) as store:
        assert [x.id for x in store.labels()] == ["l0"]
    assert n_copied == 6, "two files, three times"
    n_copied, n_changes = 0, 99
    with pytest.raises(StoreError, match="somebody writes it from elsewhere"):
        Store.open(protected, read_only=True)


def test_the_doctor_finds_a_store_in_order_that_nobody_may_write(protected: Path) -> None:
    before = tree(protected.parent)
    config = parse_run({"task": "sentiment"}, "run.yaml")
    assert [r.status for r in check_store(config, protected.parent)] == ["ok", "ok"]
    assert tree(protected.parent) == before
