"""Only the owner of a database may read its files, which hold hashes of passwords and tokens."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.progress import Silent
from prefloop.store.core.private_files import SIDE_FILES, make_private
from prefloop.store.store import Store
from prefloop.store.upkeep.backup import restore
from tests.unit.store.records_for_tests import prompt


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """A user whose new files everybody may read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def of_database(path: Path) -> dict[str, int]:
    """The rights of the database and of the side files that are there."""
    parts = {end: path.with_name(path.name + end) for end in ("", *SIDE_FILES)}
    return {end: rights(part) for end, part in parts.items() if part.exists()}


def test_a_new_database_and_its_wal_are_for_their_owner_alone(path: Path) -> None:
    with Store.open(path) as store:
        store.add_prompts([prompt(9)])
        assert of_database(path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    assert of_database(path) == {"": 0o600}


def test_a_database_that_others_could_read_is_closed_to_them(sqlite_path: Path) -> None:
    sqlite_path.chmod(0o664)
    with Store.open(sqlite_path, read_only=True):
        assert rights(sqlite_path) == 0o664, "a reader changes nothing"
    with Store.open(sqlite_path) as store:
        store.add_prompts([prompt(9)])
        assert of_database(sqlite_path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}


def test_a_database_of_another_user_keeps_its_rights(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_path.chmod(0o664)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    make_private(sqlite_path)
    assert rights(sqlite_path) == 0o664


def test_a_file_that_is_no_store_keeps_its_rights(path: Path) -> None:
    path.write_bytes(b"These are notes, and no database." * 40)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="is not a database"):
        Store.open(path)
    assert rights(path) == 0o644


def test_a_restored_database_is_for_its_owner_alone(sqlite_path: Path, tmp_path: Path) -> None:
    backup = Path(shutil.copy(sqlite_path, tmp_path / "monday.db"))
    backup.chmod(0o644)
    restore(backup, tmp_path / "again.db", Silent())
    assert rights(tmp_path / "again.db") == 0o600
