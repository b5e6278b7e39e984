"""The database behind a store, looked at and changed past the store itself."""

from prefloop.store.store import Store


def change(store: Store, statement: str) -> None:
    """Run a statement as somebody else with rights to the database could."""
    with store._database.writing() as connection:
        connection.exec_driver_sql(statement)


def rows(store: Store, table: str = "labels") -> list[list[str]]:
    """Return a table to the last bit: the type and the exact value of every cell."""
    with store._database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").all()
    return [[repr(cell) for cell in row] for row in found]
