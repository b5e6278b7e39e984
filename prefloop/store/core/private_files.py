"""Files of a database that only their owner may read: hashes of passwords and tokens are in them.

SQLite gives the WAL and its index the rights of the database file.
"""

import os
from contextlib import suppress
from pathlib import Path

SIDE_FILES = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps beside a database."""

OWNER_ONLY = 0o600
OF_OTHERS = 0o077
"""The rights of everybody but the owner."""


def create_private(file: Path) -> None:
    """Create an empty file for its owner alone, unless one is there.

    Where that is refused, whoever opens the database next says why.
    """
    with suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))


def make_private(file: Path) -> None:
    """Take the rights of others from a database and its side files, if they belong to this user.

    A file of another user is theirs to share, and some file systems have no rights to take.
    """
    for end in ("", *SIDE_FILES):
        part = file.with_name(file.name + end)
        with suppress(OSError):
            found = part.stat()
            if found.st_uid == os.geteuid() and found.st_mode & OF_OTHERS:
                part.chmod(found.st_mode & ~OF_OTHERS & 0o7777)
