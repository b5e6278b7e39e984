"""What is PostgreSQL's own. What every store promises is tested on both databases elsewhere."""

import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from prefloop.errors import StoreAwayError, StoreError
from prefloop.store.core import database, ledger
from prefloop.store.store import Store
from tests.postgres import Cluster
from tests.unit.store.records_for_tests import comparison, fill, prompt, sample


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


def name(url: str) -> str:
    return str(sa.make_url(url).database)


def setting(store: Store, key: str, *, is_writing: bool = False) -> str:
    """Return what the server has in force within a transaction of the store."""
    place = store._database
    with place.writing() if is_writing else place.reading() as connection:
        return str(connection.execute(sa.select(sa.func.current_setting(key))).scalar_one())


def test_a_commit_is_on_the_servers_disk_whatever_its_settings_say(
    url: str, postgres: Cluster
) -> None:
    postgres.execute(f"ALTER DATABASE {name(url)} SET synchronous_commit = off")
    with Store.open(url) as store:
        assert setting(store, "synchronous_commit", is_writing=True) == "on"
    postgres.execute(f"ALTER DATABASE {name(url)} SET synchronous_commit = remote_apply")
    with Store.open(url) as store:
        assert setting(store, "synchronous_commit", is_writing=True) == "remote_apply"


def test_readers_see_one_moment_and_writers_the_newest(url: str, postgres: Cluster) -> None:
    postgres.execute(f"ALTER DATABASE {name(url)} SET default_transaction_isolation = serializable")
    with Store.open(url) as store:
        assert setting(store, "transaction_isolation") == "repeatable read"
        assert setting(store, "transaction_read_only") == "on"
        assert setting(store, "transaction_isolation", is_writing=True) == "read committed"


def test_a_reading_transaction_does_not_see_what_comes_meanwhile(url: str) -> None:
    with Store.open(url) as store:
        with store._database.reading() as connection:
            assert store_count(connection) == 0
            fill(store)
            assert store_count(connection) == 0
        assert store.comparisons() == [comparison(i) for i in range(3)]


def store_count(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM prompts").scalar_one())


def test_a_writer_waits_for_another_but_not_for_ever(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE_MS", 50)
    with Store.open(url) as first, Store.open(url) as second:
        with (
            first._database.writing(),
            pytest.raises(StoreAwayError, match="being written by another process"),
        ):
            second.add_prompts([prompt()])
        second.add_prompts([prompt()])
        assert first.prompts() == [prompt()]


def test_a_waiting_writer_sees_what_the_one_before_wrote(url: str) -> None:
    with Store.open(url) as first, Store.open(url) as second:
        with first._database.writing() as connection:
            writer = threading.Thread(target=second.add_event, args=("second", {}))
            writer.start()
            wait_until_someone_waits(first)
            ledger.append(connection, [("first", {})])
        writer.join()
        assert [event.kind for event in first.events()] == ["first", "second"]
        assert first.verify_chain() == 2


def wait_until_someone_waits(store: Store) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + 20
    while True:
        with store._database.reading() as connection:
            if connection.exec_driver_sql(query).scalar_one() > 0:
                return
        assert time.monotonic() < deadline, "nobody waits"


def test_the_store_outlives_its_connections(url: str, postgres: Cluster) -> None:
    """As after a restart of the server."""
    with Store.open(url) as store:
        fill(store)
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname LIKE 'test%' AND pid <> pg_backend_pid()"
        )
        assert store.samples() == [sample(i, i // 4) for i in range(12)]


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreAwayError, match="cannot be reached") as told:
        Store.open("postgresql://ann:secret@127.0.0.1:1/name")
    assert "127.0.0.1" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_database_that_is_not_there_is_told(postgres: Cluster) -> None:
    with pytest.raises(StoreError, match='"nowhere" does not exist'):
        Store.open(postgres.url("nowhere"))


def test_a_database_of_another_program_is_left_alone(postgres: Cluster) -> None:
    with postgres.new_database(template="template0") as url:
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE runs (x integer)")
        with pytest.raises(StoreError, match="not prefloop's: it holds the table runs"):
            Store.open(url)
        with engine.connect() as connection:
            assert sa.inspect(connection).get_table_names() == ["runs"]
        engine.dispose()


def test_a_character_that_postgresql_cannot_hold_is_told(url: str) -> None:
    with Store.open(url) as store:
        with pytest.raises(StoreError, match="the character NUL"):
            store.add_prompts([replace(prompt(), text="a\x00b")])
        assert store.prompts() == []
