"""A store that an earlier prefloop made is brought up to date, and nothing in it is lost."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config

from prefloop.errors import StoreError
from prefloop.store.core import database, tables
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import fill, label, tie, verdict
from tests.unit.store.sql_for_tests import rows

OF_0001 = (
    *(tables.prompts, tables.samples, tables.comparisons, tables.comparison_samples),
    *(tables.events, tables.labels, tables.verdicts),
)


@pytest.fixture
def content(tmp_path: Path) -> Store:
    """What the old store held."""
    store = Store.open(tmp_path / "content.db")
    fill(store)
    store.add_labels([label(0), label(1, labeler="bob"), tie(2)])
    store.add_event("note", {"text": "ünï"})
    store.withdraw_label("l1")
    store.add_verdicts([verdict()])
    return store


@pytest.fixture
def old_place(empty_place: str | Path, content: Store) -> str | Path:
    """Where a store of the first schema is."""
    engine = database._engine(database._url(empty_place), read_only=False)
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with database._begun(engine) as connection, content._database.reading() as source:
        config.attributes["connection"] = connection
        config.attributes["version_table"] = database.VERSION_TABLE
        upgrade(config, "0001")
        for table in OF_0001:
            found = source.execute(sa.select(table)).mappings()
            connection.execute(sa.insert(table), [dict(row) for row in found])
        head = source.execute(sa.select(tables.ledger_head)).mappings().one()
        connection.execute(sa.update(tables.ledger_head).values(dict(head)))
    engine.dispose()
    return empty_place


def whole(store: Store, table: sa.Table) -> list[dict[str, object]]:
    """Return a table as records read it: SQLite alone takes true for 1."""
    with store._database.reading() as connection:
        found = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def test_an_old_store_is_brought_up_to_date_with_all_it_holds(
    old_place: str | Path, content: Store
) -> None:
    with Store.open(old_place) as store:
        assert store.verify_chain() == content.verify_chain() == 5
        for table in OF_0001:
            assert whole(store, table) == whole(content, table)
        before = rows(store)
        assert store.rebuild_labels() == 3
        assert rows(store) == before
        store.people.add("ann", "owner")
        store.add_label(label(4))
        assert store.labels() == [label(4)]
    content.close()


def test_an_old_store_is_not_read_before_it_is_up_to_date(
    old_place: str | Path, content: Store
) -> None:
    content.close()
    with pytest.raises(StoreError, match="has not the schema of this prefloop"):
        Store.open(old_place, read_only=True)
    Store.open(old_place).close()
    with Store.open(old_place, read_only=True) as store:
        assert store.labels() == [tie(2)]
