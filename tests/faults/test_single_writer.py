"""One process at a time writes to an SQLite store or works its log in.

Otherwise SQLite 3.7.0 to 3.51.2 may lose a commit at the moment when its log begins anew.
"""

import fcntl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.store.core import single_writer
from prefloop.store.core.single_writer import lock_path
from prefloop.store.store import Store
from tests.faults.server_process import ROOT
from tests.unit.store.records_for_tests import fill, label

HOLDER = """
import sys
from prefloop.store.core.single_writer import writer_lock
with writer_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The right to write, in other hands until the block ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "prefloop.db"
    with Store.open(place) as store:
        fill(store)
    return place


ACTS: dict[str, Callable[[Path, Store], object]] = {
    "a write": lambda path, store: store.add_event("note", {}),
    "an opening for writing": lambda path, store: Store.open(path).close(),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_it_waits_for_the_writer(path: Path, act: Callable[[Path, Store], object]) -> None:
    store = Store.open(path)
    store.labels()
    with held_by_another_process(path) as holder:
        done = threading.Event()

        def write() -> None:
            act(path, store)
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        # Whoever reads goes on meanwhile, here and with a connection of its own.
        assert len(store.prompts()) == 3
        reader = Store.open(path, read_only=True)
        assert len(reader.prompts()) == 3
        assert not done.wait(0.3)
        assert holder.stdin is not None
        holder.stdin.close()
        thread.join(60)
        assert done.is_set()
        reader.close()
    store.close()


def test_the_right_to_write_ends_with_its_holder_however_that_ends(path: Path) -> None:
    with Store.open(path) as store, held_by_another_process(path) as holder:
        holder.kill()
        holder.wait()
        store.add_event("note", {})


def test_whoever_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_writer, "PATIENCE_SECONDS", 0.05)
    with Store.open(path) as store:
        with (
            held_by_another_process(path),
            pytest.raises(StoreError, match="is being written by another process"),
        ):
            store.add_event("note", {})
        store.add_event("note", {})


def test_no_connection_works_the_log_in_by_itself_and_readers_cannot_write(path: Path) -> None:
    for read_only in (False, True):
        with Store.open(path, read_only=read_only) as store:
            with store._database.reading() as connection:
                for name, value in (("wal_autocheckpoint", 0), ("query_only", 1)):
                    assert connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() == value
            if not read_only:
                with store._database.writing() as connection:
                    of_writer = connection.exec_driver_sql("PRAGMA wal_autocheckpoint")
                    assert of_writer.scalar_one() == 0


def test_the_log_is_worked_in_by_its_writer_in_its_turn(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only there: at every such moment this process holds the lock."""
    from prefloop.store.core import database

    monkeypatch.setattr(database, "LARGEST_WAL_BYTES", 50_000)
    keep_wal_small, held = database._keep_wal_small, []

    def look(*arguments: object) -> int:
        with lock_path(str(path)).open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.append(True)
        return keep_wal_small(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "_keep_wal_small", look)
    with Store.open(path) as store:
        for number in range(60):
            store.add_label(label(number, labeler=f"ann{number}"))
        assert len(held) == 60
        assert Path(f"{path}-wal").stat().st_size < 2_000_000


def test_a_reader_leaves_no_file_behind(path: Path) -> None:
    lock_path(str(path)).unlink()
    with Store.open(path, read_only=True) as reader:
        reader.labels()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
