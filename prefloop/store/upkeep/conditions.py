"""The environment of a store: database program, its settings, and the file system."""

import fcntl
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from prefloop.store.core.database import Database
from prefloop.store.core.dialect import is_sqlite, setting
from prefloop.store.core.single_writer import lock_path

NETWORK = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"),
        *("glusterfs", "ocfs2", "gfs2", "davfs", "vboxsf", "prl_fs"),
    ]
)
"""File systems shared by several machines, or whose locks are known to be unreliable."""

FIRST_TO_LOSE, LAST_TO_LOSE = (3, 7, 0), (3, 51, 2)
FIXED = ((3, 44, 6), (3, 50, 7))
"""Versions in between with the fix, and so all later ones of their release branches."""

MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Database program, settings and file system of a store."""

    program: str
    """`SQLite 3.40.1`, `PostgreSQL 16.2`."""
    settings: dict[str, str]
    """By name."""
    file_system: str | None = None
    """Its type; None: unknown, or on the server."""
    is_network: bool = False
    can_lose_commits: bool = False
    """Whether this SQLite can lose commits when two connections write or checkpoint at once."""
    has_writers_lock: bool = True
    """Whether the lock against that works here."""


def conditions(database: Database) -> Conditions:
    """Return the conditions of a store, which must have been opened for writing."""
    with database.reading() as connection:
        if is_sqlite(connection):
            return _of_sqlite(connection, database.name)
        return _of_postgresql(connection)


def can_lose_commits(version: tuple[int, ...]) -> bool:
    """Whether a version of SQLite can lose a commit when it restarts the WAL (WAL-reset bug)."""
    is_fixed = any(version[:2] == since[:2] and version >= since for since in FIXED)
    return FIRST_TO_LOSE <= version <= LAST_TO_LOSE and not is_fixed


def file_system(path: Path) -> str | None:
    """Return the type of the file system of a path; None if the system does not tell."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    found: dict[str, str] = {}
    for line in lines:
        mount, _, rest = line.partition(" - ")
        # Blanks are octal escapes; the last of several mounts at a path is on top.
        found[mount.split(" ")[4].replace("\\040", " ")] = rest.split(" ")[0]
    place = path.resolve()
    return next((found[str(p)] for p in (place, *place.parents) if str(p) in found), None)


def _of_sqlite(connection: Connection, name: str) -> Conditions:
    kind = file_system(Path(name))
    plain = (kind or "").removeprefix("fuse.")
    return Conditions(
        program=f"SQLite {sqlite3.sqlite_version}",
        settings={each: setting(connection, each) for each in ("journal_mode", "synchronous")},
        file_system=kind,
        is_network=plain in NETWORK or plain in ("sshfs", "s3fs", "rclone", "gcsfuse"),
        can_lose_commits=can_lose_commits(sqlite3.sqlite_version_info),
        has_writers_lock=_has_lock(name),
    )


def _has_lock(name: str) -> bool:
    try:
        with lock_path(name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def _of_postgresql(connection: Connection) -> Conditions:
    names = ("server_version", "synchronous_commit", "fsync", "full_page_writes")
    settings = {each: setting(connection, each) for each in names}
    return Conditions(program=f"PostgreSQL {settings.pop('server_version')}", settings=settings)
