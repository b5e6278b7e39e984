"""SQLite's writers and checkpoints take turns, in one process and among processes."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from prefloop.errors import DiskError, StoreAwayError
from prefloop.store.core import database, single_writer
from prefloop.store.core.single_writer import lock_path
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import fill, label, prompt

PATIENCE_SECONDS = 60.0

BUSY_PROCESS = """
import sys, time
from contextlib import contextmanager, nullcontext
from prefloop.store.core import database
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import prompt

spans = []
begun, keep = database._begun, database._keep_wal_small

@contextmanager
def noted_begun(engine):
    with begun(engine) as connection:
        start = time.monotonic_ns()
        yield connection
    spans.append(("write", start, time.monotonic_ns()))

def noted_keep(*arguments):
    start = time.monotonic_ns()
    found = keep(*arguments)
    spans.append(("checkpoint", start, time.monotonic_ns()))
    return found

path, name, turns, lock = sys.argv[1:]
with Store.open(path) as store:
    database._begun, database._keep_wal_small = noted_begun, noted_keep
    # A checkpoint after every transaction.
    database.LARGEST_WAL_BYTES = database.WAL_STEP_BYTES = 0
    if lock == "without":
        database.writer_lock = lambda name: nullcontext()
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(int(turns)):
        store.add_prompts([prompt(f"{name}-{i}")])
for span in spans:
    print(*span)
"""


def busy_process(path: Path, name: str, turns: int, lock: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUSY_PROCESS, str(path), name, str(turns), lock],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def spans_of_two(path: Path, turns: int, lock: str) -> list[tuple[int, int, str]]:
    """Let two processes write at once; return when each wrote and checkpointed."""
    Store.open(path).close()
    running = [busy_process(path, name, turns, lock) for name in "ab"]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    found = []
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        output, _ = each.communicate(timeout=PATIENCE_SECONDS)
        assert each.returncode == 0
        for line in output.splitlines():
            kind, start, end = line.split()
            found.append((int(start), int(end), kind))
    return sorted(found)


def n_overlaps(spans: list[tuple[int, int, str]]) -> int:
    return sum(before[1] > after[0] for before, after in pairwise(spans))


def test_two_processes_never_write_or_checkpoint_at_once(sqlite_path: Path) -> None:
    spans = spans_of_two(sqlite_path, turns=60, lock="with")
    assert sum(kind == "checkpoint" for *_, kind in spans) == 120
    assert n_overlaps(spans) == 0
    with Store.open(sqlite_path) as store:
        assert len(store.prompts()) == 120


def test_without_the_lock_they_would(tmp_path: Path) -> None:
    """Wrong twin: SQLite's own locks let a checkpoint run beside a writer.

    On a busy machine the two may not run at the same time at once.
    """
    stores = (tmp_path / f"{attempt}.db" for attempt in range(20))
    assert any(n_overlaps(spans_of_two(path, turns=60, lock="without")) for path in stores)


def test_nobody_writes_checkpoints_or_opens_while_another_holds_the_lock(
    file_store: Store, path: Path
) -> None:
    with lock_path(str(path)).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = threading.Event()

        def write() -> None:
            file_store.add_label(label())
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        # Readers do not wait, and see that nothing was written.
        for _ in range(20):
            with Store.open(path, read_only=True) as reader:
                assert reader.labels() == []
            assert file_store.labels() == []
        assert not done.is_set()
        fcntl.flock(other, fcntl.LOCK_UN)
    assert done.wait(PATIENCE_SECONDS)
    thread.join()
    assert file_store.labels() == [label()]


def test_who_waits_too_long_is_told(
    file_store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_writer, "PATIENCE_SECONDS", 0.02)
    with lock_path(str(path)).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreAwayError, match="being written by another process"):
            file_store.add_label(label())
        with pytest.raises(StoreAwayError, match="being written by another process"):
            Store.open(path)
        # Closing is no reason to fail: the other one has the file open still.
        Store.open(path, read_only=True).close()
    file_store.add_label(label())


def test_a_process_that_is_killed_holds_no_lock(file_store: Store, path: Path) -> None:
    program = (
        "import sys; from prefloop.store.core.single_writer import writer_lock\n"
        "with writer_lock(sys.argv[1]): print('held', flush=True); sys.stdin.readline()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with lock_path(str(path)).open("rb") as mine, pytest.raises(BlockingIOError):
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder.kill()
    holder.communicate()
    started = time.monotonic()
    file_store.add_label(label())
    assert time.monotonic() - started < PATIENCE_SECONDS / 2


def test_a_folder_that_cannot_be_written_is_told(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a folder stands where the lock should be, not even root can open it.
    lock_path(str(sqlite_path)).unlink(missing_ok=True)
    lock_path(str(sqlite_path)).mkdir()
    with pytest.raises(DiskError, match=r"writer cannot be opened"):
        Store.open(sqlite_path)


def test_no_connection_checkpoints_by_itself(file_store: Store, path: Path) -> None:
    with Store.open(path, read_only=True) as reader:
        for store in (file_store, reader):
            with store._database.reading() as connection:
                found = connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one()
                is_reading = connection.exec_driver_sql("PRAGMA query_only").scalar_one()
            assert (found, is_reading) == (0, 1)
    with file_store._database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one() == 0
        assert connection.exec_driver_sql("PRAGMA query_only").scalar_one() == 0


def write_much(store: Store, mib: int, start: int = 0) -> int:
    """Write so many MiB in transactions of a quarter; return the size of the largest log seen."""
    wal, largest = Path(f"{store._database.name}-wal"), 0
    for i in range(4 * mib):
        texts = [prompt(start + 1000 + 100 * i + j) for j in range(4)]
        for j, each in enumerate(texts):
            object.__setattr__(each, "text", f"{i} {j} " + "x" * 2**16)
        store.add_prompts(texts)
        largest = max(largest, wal.stat().st_size)
    return largest


def test_the_log_stays_small(file_store: Store, path: Path) -> None:
    assert write_much(file_store, 24) < database.LARGEST_WAL_BYTES + 2**20
    fill(file_store, 4)
    file_store.close()
    assert not Path(f"{path}-wal").exists()
    with Store.open(path) as store:
        assert len(store.prompts()) == 3 + 24 * 16 + 1


def test_a_reader_who_takes_long_is_not_disturbed_and_the_log_is_cut_afterwards(
    file_store: Store, path: Path
) -> None:
    wal = Path(f"{path}-wal")
    with (
        Store.open(path, read_only=True) as reader,
        reader._database.reading() as connection,
    ):
        assert connection.exec_driver_sql("SELECT count(*) FROM prompts").scalar_one() == 3
        write_much(file_store, 12)
        assert wal.stat().st_size > 12 * 2**20
        assert connection.exec_driver_sql("SELECT count(*) FROM prompts").scalar_one() == 3
    write_much(file_store, 2, start=100_000)
    assert wal.stat().st_size <= database.LARGEST_WAL_BYTES + 2**20


def test_a_write_enters_no_names_in_the_interpreters_table_of_strings(tmp_path: Path) -> None:
    """Names that come and go use that table up: after some thousand writes it doubles."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called is sys.intern:
            entered.append(frame.f_code.co_name)

    with Store.open(tmp_path / "a.db") as store:
        store.add_prompts([prompt(1)])
        sys.setprofile(note)
        try:
            store.add_prompts([prompt(2)])
            of_a_write = list(entered)
            Path("a new path")
        finally:
            sys.setprofile(None)
    assert of_a_write == []
    assert entered, "else nothing was noted"
