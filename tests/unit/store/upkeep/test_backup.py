"""A backup is whole or not there, holds what was acknowledged, and replaces nothing newer."""

import os
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from prefloop.errors import DiskError, StoreAwayError, StoreError
from prefloop.progress import Silent
from prefloop.store.core.database import VERSION_TABLE
from prefloop.store.store import Store
from prefloop.store.upkeep import backup as backup_module
from prefloop.store.upkeep.backup import back_up, restore
from prefloop.store.upkeep.fingerprint import contents
from prefloop.store.upkeep.integrity import check_integrity, opened
from prefloop.store.upkeep.moving import move
from tests.faults.answering import WORK_ONLY, answer_many, fill_every_table
from tests.unit.store.sql_for_tests import change


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in SQLite with rows in every table, closed."""
    path = tmp_path_factory.mktemp("full") / "full.db"
    with Store.open(path) as store:
        fill_every_table(store, n_answers=20)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """Its own copy for every test."""
    return Path(shutil.copy(template, tmp_path / "prefloop.db"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where backups go."""
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe" / "monday.db"


def everything(place: str | Path) -> object:
    with opened(place) as database, database.reading() as connection:
        return contents(connection)


def answer_one(path: Path) -> str:
    with Store.open(path) as store:
        return answer_many(store, ["labeler-0"], 1, random.Random(os.getpid()), WORK_ONLY)[0]


def test_a_backup_of_an_open_store_holds_everything_in_one_file(path: Path, file: Path) -> None:
    with Store.open(path) as store:
        answer_many(store, ["labeler-0", "labeler-3"], 10, random.Random(1), WORK_ONLY)
        assert Path(f"{path}-wal").stat().st_size > 0, "the newest answers are in another file"
        n_events = back_up(path, file, Silent()).n_events
        assert n_events == store.verify_chain()
        assert everything(file) == everything(path)
    for name in ("monday.db-wal", "monday.db-shm", "monday.db.writer"):
        (file.parent / name).unlink(missing_ok=True)
    assert [each.name for each in file.parent.iterdir()] == ["monday.db"]


def test_a_backup_is_for_its_owner_alone_and_can_be_read_anywhere(path: Path, file: Path) -> None:
    back_up(path, file, Silent())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["monday.db"]
    # As from a medium that nobody can write to.
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_postgresql_is_backed_up_into_a_file(file: Path, postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        fill_every_table(store, n_answers=20)
    n_events = back_up(postgres_url, file, Silent()).n_events
    assert everything(file) == everything(postgres_url)
    assert check_integrity(file, Silent()).n_events == n_events
    assert check_integrity(postgres_url, Silent()).problems == ()


def test_a_file_that_is_there_is_replaced_by_force_only(path: Path, file: Path) -> None:
    file.write_text("a letter")
    with pytest.raises(StoreError, match="exists already"):
        back_up(path, file, Silent())
    assert file.read_text() == "a letter"
    back_up(path, file, Silent(), force=True)
    assert everything(file) == everything(path)
    with pytest.raises(StoreError, match="is the store itself"):
        back_up(path, path, Silent(), force=True)


def test_a_damaged_store_makes_no_backup_and_keeps_the_old_one(path: Path, file: Path) -> None:
    back_up(path, file, Silent())
    good = file.read_bytes()
    with Store.open(path) as store:
        change(store, "UPDATE events SET payload = '{}' WHERE sequence = 3")
    with pytest.raises(StoreError, match="broken at event 3"):
        back_up(path, file, Silent(), force=True)
    damage(path)
    with pytest.raises(StoreError, match="damaged"):
        back_up(path, file, Silent(), force=True)
    assert file.read_bytes() == good
    assert [each.name for each in file.parent.iterdir()] == ["monday.db"]


def damage(path: Path) -> None:
    """Write over the middle of a file, as a failing disk does."""
    content = bytearray(path.read_bytes())
    content[8192 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 8192)
    path.write_bytes(bytes(content))


def test_a_full_disk_leaves_no_half_backup(
    path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_module, "put_in_place", fail)
    with pytest.raises(DiskError, match="disk is full"):
        back_up(path, file, Silent())
    assert list(file.parent.iterdir()) == []


def test_there_and_back(path: Path, file: Path) -> None:
    before = everything(path)
    back_up(path, file, Silent())
    path.unlink()
    assert restore(file, path, Silent()) == check_integrity(path, Silent()).n_events
    assert everything(path) == before
    answer_one(path)


def test_an_older_store_is_replaced_and_kept(path: Path, file: Path) -> None:
    shutil.copy(path, path.with_name("older.db"))
    answer_one(path)
    back_up(path, file, Silent())
    os.replace(path.with_name("older.db"), path)
    restore(file, path, Silent())
    assert everything(path) == everything(file)
    [kept] = path.parent.glob("prefloop.db.replaced-*")
    assert everything(kept) != everything(path)


def test_a_newer_store_is_replaced_by_force_only_and_kept(path: Path, file: Path) -> None:
    back_up(path, file, Silent())
    newest = answer_one(path)
    before = everything(path)
    with pytest.raises(StoreError, match="answers of people would be lost"):
        restore(file, path, Silent())
    assert everything(path) == before
    assert list(path.parent.glob("*.replaced-*")) == []
    restore(file, path, Silent(), force=True)
    assert everything(path) == everything(file)
    [kept] = path.parent.glob("prefloop.db.replaced-*")
    with Store.open(kept) as store:
        assert newest in store.events()[-1].payload


def test_a_store_that_went_another_way_counts_as_newer(path: Path, file: Path) -> None:
    """As many events, but not the same: two stores grew from one backup."""
    shutil.copy(path, path.with_name("twin.db"))
    answer_one(path)
    back_up(path, file, Silent())
    with Store.open(path.with_name("twin.db")) as twin:
        twin.add_event("note", {"another": "way"})
    os.replace(path.with_name("twin.db"), path)
    with pytest.raises(StoreError, match="answers of people would be lost"):
        restore(file, path, Silent())


def test_stale_side_files_are_removed(path: Path, file: Path) -> None:
    """The pages of a log that belongs to another database would be taken for newer ones."""
    back_up(path, file, Silent())
    with Store.open(path) as store:
        store.add_event("note", {})
        log = Path(f"{path}-wal").read_bytes()
        assert log
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    restore(file, path, Silent())
    assert not Path(f"{path}-wal").exists()
    assert everything(path) == everything(file)


def test_a_store_in_use_is_not_pulled_away(path: Path, file: Path) -> None:
    """A server would go on writing into a file that nobody finds any more."""
    back_up(path, file, Silent())
    with Store.open(path) as store:
        store.labels()
        for force in (False, True):
            with pytest.raises(StoreAwayError, match="is in use"):
                restore(file, path, Silent(), force=force)
        answer_many(store, ["labeler-0"], 1, random.Random(1), WORK_ONLY)


def test_a_damaged_store_is_replaced_by_force_and_kept(path: Path, file: Path) -> None:
    back_up(path, file, Silent())
    path.write_bytes(b"\xa5" * 20_000)
    with pytest.raises(StoreError, match="With --force the backup replaces it"):
        restore(file, path, Silent())
    restore(file, path, Silent(), force=True)
    [kept] = path.parent.glob("prefloop.db.replaced-*")
    assert kept.read_bytes() == b"\xa5" * 20_000
    assert everything(path) == everything(file)


def test_a_backup_is_restored_into_an_empty_postgresql_only(
    path: Path, file: Path, postgres_url: str
) -> None:
    back_up(path, file, Silent())
    restore(file, postgres_url, Silent())
    assert everything(postgres_url) == everything(path)
    with pytest.raises(StoreError, match="is not empty"):
        restore(file, postgres_url, Silent(), force=True)


def test_the_backup_of_a_store_that_moved_away_takes_answers_again(path: Path, file: Path) -> None:
    with opened(path) as database:
        move(database, str(path.with_name("new.db")), Silent())
    back_up(path, file, Silent())
    path.unlink()
    restore(file, path, Silent())
    answer_one(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no backup|no store"), (b"\x00" * 9000, "not a database"), (b"", "not prefloop's")],
)
def test_what_is_no_backup_is_refused(
    path: Path, file: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=told):
        restore(file, path, Silent(), force=True)
    assert path.read_bytes() == before


def test_a_backup_of_a_newer_prefloop_is_refused(path: Path, file: Path) -> None:
    back_up(path, file, Silent())
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    connection.close()
    with pytest.raises(StoreError, match="0999, made by a newer prefloop"):
        restore(file, path.with_name("other.db"), Silent())
    assert not path.with_name("other.db").exists()


# --- looking over ---


def test_a_good_store_is_sound_and_is_only_read(path: Path) -> None:
    before = path.read_bytes()
    found = check_integrity(path, Silent())
    assert found.problems == ()
    assert found.n_rows["labels"] > 3
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE events SET payload = '{}' WHERE sequence = 3", "broken at event 3"),
        (
            "UPDATE labels SET note = 'x' WHERE sequence = (SELECT max(sequence) FROM labels)",
            "labels",
        ),
        ("DELETE FROM labels WHERE sequence = (SELECT max(sequence) FROM labels)", "labels had"),
        (
            "UPDATE quality_checks SET is_right = NOT is_right WHERE is_right IS NOT NULL",
            "quality_checks has",
        ),
        ("UPDATE queue SET answered = answered + 1 WHERE is_open", "wrong count of answers"),
        ("UPDATE ledger_head SET sequence = sequence + 1", "cut off"),
    ],
)
def test_what_was_changed_past_the_store_is_told(path: Path, statement: str, told: str) -> None:
    with Store.open(path) as store:
        change(store, statement)
    assert told in " ".join(check_integrity(path, Silent()).problems)


def test_dangling_rows_are_told(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM samples WHERE id = 'sample-7-2'")
    connection.close()
    assert (
        "points at a row of samples that is missing" in check_integrity(path, Silent()).problems[0]
    )


def test_damaged_pages_are_told(path: Path) -> None:
    damage(path)
    try:
        problems = check_integrity(path, Silent()).problems
    except StoreError as error:
        problems = (str(error),)
    assert problems
