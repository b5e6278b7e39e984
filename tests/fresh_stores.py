"""New stores in SQLite without the work of making their schema: it is done once in a process.

Alembic takes a tenth of a second to put together the statements of all migrations, and hundreds of
tests begin with a new store. The first one is recorded; the others execute the same statements in
the same transaction. What is not empty, and whatever is in PostgreSQL, is migrated as ever.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config

from prefloop.store.core import database

READS = ("SELECT", "PRAGMA")


@contextmanager
def schema_made_once() -> Iterator[None]:
    """Make new stores in SQLite as the first of them was made, while the block runs."""
    recorded = list[tuple[str, Any]]()

    def brought_up(config: Config, revision: str) -> None:
        connection: sa.Connection = config.attributes["connection"]
        if connection.dialect.name != "sqlite" or sa.inspect(connection).get_table_names():
            upgrade(config, revision)
        elif recorded:
            for statement, parameters in recorded:
                connection.exec_driver_sql(statement, parameters)
        else:
            recorded.extend(writes_of(connection, lambda: upgrade(config, revision)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "upgrade", brought_up)
        yield


def writes_of(connection: sa.Connection, work: Callable[[], None]) -> list[tuple[str, Any]]:
    """Return what is executed in a connection to change something: statements and parameters."""
    found = list[tuple[str, Any]]()

    def keep(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if not statement.lstrip().startswith(READS):
            found.append((statement, parameters or None))

    sa.event.listen(connection, "after_cursor_execute", keep)
    try:
        work()
    finally:
        sa.event.remove(connection, "after_cursor_execute", keep)
    return found
