"""The room on the disk of a database."""

import shutil
from pathlib import Path

from prefloop.store.core.database import Database


def free_bytes(database: Database) -> int | None:
    """Return what is free where a file of SQLite lies; None for a database on a server."""
    if database.engine.dialect.name != "sqlite":
        return None
    return shutil.disk_usage(Path(database.name).absolute().parent).free
