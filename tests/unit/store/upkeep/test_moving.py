"""A store moves from one kind of database to another: all of it, or nothing."""

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from prefloop.errors import StoreError
from prefloop.progress import Silent
from prefloop.store.core.database import Database
from prefloop.store.core.dialect import insert_page
from prefloop.store.store import Store
from prefloop.store.upkeep import transfer
from prefloop.store.upkeep.fingerprint import ALL_TABLES, Contents, contents
from prefloop.store.upkeep.integrity import check_integrity, opened
from prefloop.store.upkeep.moving import move, without_password
from tests.faults.answering import WORK_ONLY, answer_many, fill_every_table, submission
from tests.unit.store.records_for_tests import prompt
from tests.unit.store.sql_for_tests import change

Page = Sequence[tuple[Any, ...]]
"""Rows of a table."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in SQLite with rows in every table, closed."""
    path = tmp_path_factory.mktemp("full") / "full.db"
    with Store.open(path) as store:
        fill_every_table(store)
    return path


@pytest.fixture
def full(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A store in SQLite with rows in every table."""
    shutil.copy(template, tmp_path / "full.db")
    with Store.open(tmp_path / "full.db") as store:
        yield store


def everything(database: Database) -> Contents:
    with database.reading() as connection:
        return contents(connection)


def test_the_full_store_has_rows_in_every_table(full: Store) -> None:
    counts = {name: table.n_rows for name, table in everything(full._database).items()}
    assert set(counts) == {table.name for table in ALL_TABLES}
    assert min(counts.values()) > 0, counts


def test_there_and_back_every_row_is_the_same(
    full: Store, postgres_url: str, tmp_path: Path
) -> None:
    before = everything(full._database)
    chain = full.verify_chain()
    assert move(full._database, postgres_url, Silent()) == before
    with Store.open(postgres_url) as middle:
        assert middle.verify_chain() == chain
        assert everything(middle._database) == before
        move(middle._database, str(tmp_path / "back.db"), Silent())
    with Store.open(tmp_path / "back.db") as back:
        assert everything(back._database) == before
        assert back.events() == full.events()
        assert back.labels() == full.labels()
    assert check_integrity(tmp_path / "back.db", Silent()).problems == ()


def test_the_new_store_goes_on_where_the_old_one_stopped(full: Store, postgres_url: str) -> None:
    """Numbers that were given are not given again, not even those of rows that are gone."""
    last = max(update.number for update in full.updates.after(0))
    move(full._database, postgres_url, Silent())
    with Store.open(postgres_url) as store:
        store.add_prompts([prompt(77)])
        assert store.prompts()[-1].id == "p77"
        store.updates.write("policy", 0, 2, {"policy/kl": 1.0})
        assert store.updates.after(last)[0].number == last + 2
        n_events = store.verify_chain()
        answer_many(store, ["labeler-0", "labeler-3"], 3, random.Random(1), WORK_ONLY)
        assert store.verify_chain() >= n_events + 3


def test_back_in_sqlite_numbers_go_on_too(full: Store, tmp_path: Path) -> None:
    last = max(update.number for update in full.updates.after(0))
    move(full._database, str(tmp_path / "other.db"), Silent())
    with Store.open(tmp_path / "other.db") as store:
        store.updates.write("policy", 0, 2, {"policy/kl": 1.0})
        assert store.updates.after(last)[0].number == last + 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_old_store_takes_no_more_answers(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A server that still has it open is refused: an answer in it would be lost to the run."""
    source = tmp_path / "a.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with Store.open(source) as store:
        fill_every_table(store)
        luck = random.Random(3)
        views = store.queue.claim("labeler-0", n=1, rng=luck, policy=WORK_ONLY)
        move(store._database, str(tmp_path / "new.db"), Silent())
        events = store.verify_chain()
        with pytest.raises(StoreError, match="takes no more answers, because it has moved") as told:
            store.answers.submit([submission(views[0], luck)])
        assert str(tmp_path / "new.db") in str(told.value)
        assert store.verify_chain() == events
    with Store.open(tmp_path / "new.db") as store:
        assert store.answers.submit([submission(views[0], luck)])[0].outcome == "stored"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_target_that_holds_anything_is_refused_and_left_alone(
    kind: str, full: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    target = tmp_path / "a.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with Store.open(target) as other:
        other.add_prompts([prompt(1)])
        before = everything(other._database)
    told = "exists already" if kind == "sqlite" else "is not empty: it holds 1 rows in"
    with pytest.raises(StoreError, match=told):
        move(full._database, str(target), Silent())
    with Store.open(target) as other:
        assert everything(other._database) == before
    full.add_event("note", {"the old store": "goes on"})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_move_that_breaks_off_leaves_both_as_they_were(
    kind: str,
    full: Store,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "a.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    before = everything(full._database)
    for n_good in (0, 1, len(ALL_TABLES) // 2, len(ALL_TABLES) - 1):
        left = iter(range(n_good))

        def fail(
            connection: Connection, table: sa.Table, rows: Page, left: Iterator[int] = left
        ) -> None:
            if next(left, None) is None:
                raise RuntimeError("the cable was pulled")
            insert_page(connection, table, rows)

        with monkeypatch.context() as patch:
            patch.setattr(transfer, "insert_page", fail)
            with pytest.raises(RuntimeError, match="cable"):
                move(full._database, str(target), Silent())
        if kind == "sqlite":
            assert sorted(tmp_path.glob("*a.db*")) == []
        full.add_event("note", {"the old store": "goes on"})
    before["events"], before["ledger_head"] = (
        everything(full._database)[name] for name in ("events", "ledger_head")
    )
    assert everything(full._database) == before
    assert move(full._database, str(target), Silent()) == before


def test_what_arrives_changed_is_noticed(
    full: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One value of one row, in a table that no hash chain covers."""

    def slip(connection: Connection, table: sa.Table, rows: Page) -> None:
        if str(table) == "samples":
            rows = [(*rows[0][:6], f"{rows[0][6]} ", *rows[0][7:]), *rows[1:]]
        insert_page(connection, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "insert_page", slip)
        with pytest.raises(StoreError, match="samples has the same number of rows, but not"):
            move(full._database, postgres_url, Silent())
    with opened(postgres_url) as target:
        assert sum(table.n_rows for table in everything(target).values()) == 1  # the ledger's head
    full.add_event("note", {"the old store": "goes on"})


def test_a_broken_chain_does_not_move(full: Store, postgres_url: str) -> None:
    change(full, "UPDATE events SET payload = '{}' WHERE sequence = 3")
    with pytest.raises(StoreError, match="broken at event 3"):
        move(full._database, postgres_url, Silent())


def test_a_text_that_postgresql_cannot_hold_is_named(full: Store, postgres_url: str) -> None:
    change(full, "UPDATE samples SET text = 'a' || char(0) || 'b' WHERE id = 'sample-7-2'")
    with pytest.raises(StoreError, match=r"samples holds a NUL character in text of .*sample-7-2"):
        move(full._database, postgres_url, Silent())
    full.add_event("note", {"the old store": "goes on"})


def test_another_process_that_writes_is_waited_for(full: Store, postgres_url: str) -> None:
    """What was acknowledged before the move has moved; what comes after is refused."""
    with Store.open(full._database.name) as other, ExitStack() as stack:
        luck = random.Random(5)
        views = other.queue.claim("labeler-0", n=1, rng=luck, policy=WORK_ONLY)
        receipt = other.answers.submit([submission(views[0], luck)])[0]
        move(full._database, postgres_url, Silent())
        with pytest.raises(StoreError, match="has moved"):
            other.add_event("note", {})
        new = stack.enter_context(Store.open(postgres_url))
        assert receipt.label_id in new.events()[-1].payload


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("my-run/labels.db", "my-run/labels.db"),
        ("postgresql://ann@host/name", "postgresql://ann@host/name"),
        ("postgresql://ann:p%40ss@host:5433/name", "postgresql://ann@host:5433/name"),
        (
            "postgresql://ann@host/name?password=p&sslmode=require&sslpassword=q",
            "postgresql://ann@host/name?sslmode=require",
        ),
    ],
)
def test_a_place_is_shown_without_its_password(place: str, shown: str) -> None:
    assert without_password(place) == shown


def test_a_password_in_the_query_is_told_nowhere() -> None:
    with (
        pytest.raises(StoreError) as told,
        Store.open("postgresql://ann@127.0.0.1:1/name?password=hush&connect_timeout=2"),
    ):
        pass
    assert "hush" not in str(told.value)
