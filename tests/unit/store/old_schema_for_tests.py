"""Stores of earlier schemas, with what an earlier prefloop wrote into them.

`schemas/*.json` hold every row of stores that commit a580ba4 filled: 0002 with
`tests.faults.answering.fill_every_table`, 0001 with labels alone; both with verdicts of two models.
0003 is what commit 326e736 filled in the same way; 0005 is 0004 after its migration.
"""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config
from alembic.script import ScriptDirectory

from prefloop.store.core import database
from prefloop.store.core.place import url_of

Rows = dict[str, list[dict[str, Any]]]
"""The rows of each table, by the table's name."""

MIGRATIONS = Config()
MIGRATIONS.set_main_option("script_location", str(database.MIGRATIONS))
REVISIONS = [s.revision for s in ScriptDirectory.from_config(MIGRATIONS).walk_revisions()]
NEWEST, OLD = REVISIONS[0], REVISIONS[1:]


def make_old(place: str | Path, revision: str) -> Rows:
    """Make a store of an old schema and return what it holds: the tables that it knows."""
    engine = database._engine(url_of(place), read_only=False, page_cache_kib=None)
    file = Path(__file__).parent / "schemas" / f"{revision}.json"
    held: Rows = json.loads(file.read_text())
    with database._begun(engine) as connection:
        MIGRATIONS.attributes["connection"] = connection
        MIGRATIONS.attributes["version_table"] = database.VERSION_TABLE
        upgrade(MIGRATIONS, revision)
        known = sa.MetaData()
        known.reflect(connection)
        connection.execute(sa.delete(known.tables["ledger_head"]))
        for table in known.sorted_tables:
            if held.get(table.name):
                connection.execute(sa.insert(table), held[table.name])
            if connection.dialect.name == "postgresql":
                _continue_numbers(connection, table)
    engine.dispose()
    return held


def schema_of(place: str | Path) -> tuple[str, Rows]:
    """Return the revision of a store and the rows of all its tables; nothing is upgraded."""
    engine = database._engine(url_of(place), read_only=False, page_cache_kib=None)
    version = sa.select(sa.column("version_num", sa.String)).select_from(
        sa.table(database.VERSION_TABLE)
    )
    with engine.connect() as connection:
        revision = str(connection.execute(version).scalar_one())
        known = sa.MetaData()
        known.reflect(connection)
        held = {
            name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for name, table in known.tables.items()
            if name != database.VERSION_TABLE
        }
    engine.dispose()
    return revision, held


def sorted_rows(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows in a form and an order that does not depend on the database."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def _continue_numbers(connection: sa.Connection, table: sa.Table) -> None:
    if "number" in table.c:
        name = sa.func.pg_get_serial_sequence(table.name, "number")
        newest = sa.select(sa.func.coalesce(sa.func.max(table.c.number), 1)).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(name, newest)))
