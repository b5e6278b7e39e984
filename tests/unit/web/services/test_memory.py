"""The server's process: one heap of the C library's, and small page caches of SQLite."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefloop.store.core.database import KEPT_CONNECTIONS
from prefloop.store.store import Store
from prefloop.web.services.memory import CHOICE, PAGE_CACHE_KIB

SIX_THREADS_AT_WORK = """
import ctypes, os, sys, threading
from bench.server_memory import heaps
from prefloop.web.services.memory import use_one_heap

was_set = use_one_heap() if sys.argv[1] == "one" else False
ready = threading.Barrier(7)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def work():
    held = [libc.malloc(ctypes.c_size_t(5000)) for _ in range(100)]
    ready.wait()
    ready.wait()

threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
ready.wait()
sys.stdout.write(f"{was_set} {heaps(os.getpid())}")
ready.wait()
"""

on_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="only glibc gives each thread a heap of its own",
)


def heaps_of(choice: str, **environment: str) -> tuple[bool, int]:
    """Return whether one heap could be set, and how many six threads got."""
    free = {name: text for name, text in os.environ.items() if name != CHOICE}
    done = subprocess.run(
        [sys.executable, "-c", SIX_THREADS_AT_WORK, choice],
        capture_output=True, text=True, check=True, env=free | environment,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    was_set, n = done.stdout.split()
    return was_set == "True", int(n)


@on_glibc
def test_all_threads_of_a_server_share_one_heap() -> None:
    assert heaps_of("one") == (True, 1)
    _, n = heaps_of("as it comes")
    assert n > 1, "without the switch each thread has a heap: else the test above shows nothing"


@on_glibc
def test_what_the_environment_chose_stays() -> None:
    was_set, n = heaps_of("one", **{CHOICE: "3"})
    assert not was_set
    assert 1 < n <= 3


def test_a_servers_connections_are_all_open_from_its_start(tmp_path: Path) -> None:
    """Used in turns, they fill at the same time: none comes at a peak hours later."""
    used: set[int] = set()
    with Store.open(tmp_path / "a.db", page_cache_kib=PAGE_CACHE_KIB) as store:
        for _ in range(2 * KEPT_CONNECTIONS):
            with store._database.reading() as connection:
                used.add(id(connection.connection.driver_connection))
    assert len(used) == KEPT_CONNECTIONS


def test_a_servers_connections_keep_little(tmp_path: Path) -> None:
    def cache_sizes(store: Store) -> set[int]:
        found = set()
        with store._database.reading() as one, store._database.reading() as other:
            for connection in (one, other):
                found.add(connection.exec_driver_sql("PRAGMA cache_size").scalar_one())
        return found

    with Store.open(tmp_path / "a.db", page_cache_kib=PAGE_CACHE_KIB) as store:
        assert cache_sizes(store) == {-PAGE_CACHE_KIB}
    with Store.open(tmp_path / "a.db") as store:
        assert cache_sizes(store) == {-2000}
