import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from prefloop.errors import DiskError, StoreError
from prefloop.store.core.database import VERSION_TABLE
from prefloop.store.core.team_tables import people
from prefloop.store.store import Store
from tests.unit.store.old_schema_for_tests import NEWEST
from tests.unit.store.records_for_tests import N_FILLED, label, prompt
from tests.unit.store.sql_for_tests import change


def test_connections_are_durable_patient_and_strict(file_store: Store) -> None:
    with file_store._database.reading() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "foreign_keys": 1,
    }


def test_writers_take_the_lock_at_once_and_readers_never_wait(
    file_store: Store, path: Path
) -> None:
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with file_store._database.writing():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM prompts").fetchone() == (3,)
    with file_store._database.reading():
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_no_transaction_changes_a_setting_of_its_connection(file_store: Store) -> None:
    """SQLite would parse every statement again: twice the time of handing out a question."""
    statements: list[str] = []

    def trace(connection: sa.Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(statements.append)

    database = file_store._database
    for transaction in (database.writing, database.reading) * 2:
        with transaction() as connection:
            trace(connection)
        with transaction() as connection:
            connection.execute(sa.select(people.c.id)).all()
    assert sum("FROM people" in each for each in statements) == 4
    assert not [each for each in statements if "PRAGMA" in each]


def test_migrations_lead_to_the_tables_that_the_code_uses(store: Store) -> None:
    with store._database.reading() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, people.metadata) == []


def test_pragmas_are_in_one_place() -> None:
    root = Path(sys.modules["prefloop.store"].__path__[0])
    holders = {
        file.name
        for file in root.rglob("*.py")
        if any(word in file.read_text() for word in ("PRAGMA", "INSERT OR", "BEGIN", "rowid"))
    }
    assert "database.py" in holders
    assert holders <= {"database.py", "dialect.py"}


def test_a_newer_schema_is_refused_with_both_versions(place: str | Path) -> None:
    with Store.open(place) as store:
        change(store, f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    with pytest.raises(StoreError) as told:
        Store.open(place)
    for part in (str(place), "0999", NEWEST, "pip install --upgrade prefloop"):
        assert part in str(told.value)


@pytest.mark.parametrize("content", [b"prompt,chosen\n" * 100, b"\x00\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a database"):
        Store.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_untouched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (x)")
    connection.close()
    with pytest.raises(StoreError, match="not prefloop's: it holds the table runs"):
        Store.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    connection.close()


def test_a_damaged_database_is_a_store_error(file_store: Store, path: Path) -> None:
    file_store.close()
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="damaged"), Store.open(path) as opened:
        opened.samples()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("", "is a folder"),
        ("no/where.db", "there is no folder"),
        (":memory:", "would lose its labels"),
        ("mysql://host/name", "cannot be kept in mysql"),
        ("://", "cannot be read"),
        ("postgresql://ann:secret@host:port/labels", "cannot be read"),
    ],
)
def test_places_where_no_store_can_be(tmp_path: Path, place: str, told: str) -> None:
    target = place if ":" in place else tmp_path / place
    with pytest.raises(StoreError, match=told):
        Store.open(target)


def test_a_missing_driver_is_told_without_the_password() -> None:
    with pytest.raises(StoreError) as told:
        Store.open("postgresql+pg8000://ann:secret@host/name")
    assert "pip install 'psycopg[binary]'" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_full_disk_is_told_and_what_was_there_stays(file_store: Store, path: Path) -> None:
    file_store.add_label(label())
    file_store.close()
    with Store.open(path) as small:

        @sa.event.listens_for(small._database.engine, "connect")
        def cap(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA max_page_count = 1")

        small._database.engine.dispose()
        with pytest.raises(DiskError, match="the disk is full") as told:
            small.add_prompts([prompt(i) for i in range(100, 5000)])
        assert str(path) in str(told.value)
        assert small.labels() == [label()]
        assert len(small.prompts()) == 3


def test_a_store_opened_for_reading_writes_nothing(store: Store, place: str | Path) -> None:
    with Store.open(place, read_only=True) as reader:
        assert len(reader.prompts()) == 3
        with pytest.raises(DiskError, match="read-only") as told:
            reader.add_label(label())
        assert str(place) in str(told.value)
        with pytest.raises(DiskError, match="read-only"):
            reader.rebuild_labels()


def test_reading_makes_no_file(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        Store.open(path, read_only=True)
    assert not path.exists()


def test_threads_take_turns(store: Store) -> None:
    def work(name: str) -> None:
        for i in range(10):
            store.add_label(replace(label(i, labeler=f"{name}{i}"), id=f"{name}{i}"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, "abcd"))
    assert len(store.labels()) == store.verify_chain() - N_FILLED == 40


def test_processes_take_turns(store: Store, place: str | Path) -> None:
    program = (
        "import sys; from prefloop.store.store import Store\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    for i in range(20): store.add_event(sys.argv[2], {'i': i})"
    )
    run_at_once([sys.executable, "-c", program, str(place)], ["a", "b"])
    assert store.verify_chain() == N_FILLED + 40


def test_two_processes_may_create_the_same_store_at_once(empty_place: str | Path) -> None:
    program = "import sys; from prefloop.store.store import Store; Store.open(sys.argv[1]).close()"
    run_at_once([sys.executable, "-c", program], [str(empty_place)] * 2)
    with Store.open(empty_place) as store:
        assert store.verify_chain() == 0


def run_at_once(command: list[str], arguments: list[str]) -> None:
    """Run a command once per argument, all at the same time; each must succeed in silence."""
    running = [
        subprocess.Popen([*command, argument], stderr=subprocess.PIPE) for argument in arguments
    ]
    done = [(process.communicate()[1], process.returncode) for process in running]
    assert done == [(b"", 0)] * len(running)


def test_migrations_travel_with_the_package(tmp_path: Path, path: Path) -> None:
    """From a copy of the package elsewhere, without a repository or an ini file around it."""
    package = Path(sys.modules["prefloop"].__path__[0])
    for part in ("store", "label_types", "settings", "text"):
        shutil.copytree(package / part, tmp_path / "100% new/prefloop" / part)
    for name in (
        "__init__.py",
        "records.py",
        "teamwork.py",
        "errors.py",
        "files.py",
        "access.py",
    ):
        shutil.copy(package / name, tmp_path / "100% new/prefloop" / name)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import prefloop.store.store as module; assert sys.argv[1] in module.__file__\n"
        "print(module.Store.open(sys.argv[2]).verify_chain())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "100% new"), str(path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
