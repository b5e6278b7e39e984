"""New stores without what is the same for all of them: it is done once in a process.

Alembic takes a tenth of a second to put together the statements of all migrations, and hundreds of
tests begin with a new store. The first one in SQLite is recorded; the others execute the same
statements in the same transaction. What is not empty, and whatever is in PostgreSQL, is migrated as
ever.

SQLAlchemy compiles a statement once for each engine, that is, anew for each store of a test: a
fifth of the time of the store's tests. Here it does so once for each kind of database.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy.engine import URL

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


class CompiledStatements:
    """What SQLAlchemy keeps its compiled statements in, for all engines of one kind of database."""

    def __init__(self) -> None:
        self._found = dict[tuple[Any, ...], Any]()

    def get(self, key: tuple[Any, ...]) -> Any:
        """Return a compiled statement; None if there is none."""
        return self._found.get(key[1:])

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        # The first part of a key is the engine's own dialect, an equal one in each engine.
        self._found[key[1:]] = compiled


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Let the engines of all stores share their compiled statements, while the block runs."""
    compiled = defaultdict[str, CompiledStatements](CompiledStatements)
    made = sa.create_engine

    def sharing(url: URL, **options: Any) -> sa.Engine:
        engine = made(url, **options)
        engine.update_execution_options(compiled_cache=compiled[engine.dialect.name])
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sa, "create_engine", sharing)
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
