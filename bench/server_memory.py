"""The memory of the server's process, from /proc: how much, of which kind, and whether it grows."""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from prefloop.store.core.database import KEPT_CONNECTIONS
from prefloop.web.services.memory import PAGE_CACHE_KIB

SETTLING_SECONDS = 600.0
"""What comes within the first ten minutes is no growth: caches fill, threads start."""

WINDOW_SECONDS = 60.0
"""Growth is between the medians of two such windows: single looks differ by some 0.1 MiB."""

MOST_GROWTH_MIB = 2.0
"""What an hour may add after the first ten minutes."""

SCHEMA_KIB = 33.0
"""What SQLite keeps of the store's schema in each connection (sqlite3_db_status)."""

STATEMENTS = 128
"""Statements that Python's sqlite3 keeps prepared in each connection (`cached_statements`)."""

STATEMENT_KIB = 9.0
"""Memory of one of them: 8.2 KiB on average of 82 that labeling had prepared, and its text."""

CONNECTIONS = KEPT_CONNECTIONS + 1
"""Those that read, and the one that writes."""

SQLITE_MIB = CONNECTIONS * (PAGE_CACHE_KIB + SCHEMA_KIB + STATEMENTS * STATEMENT_KIB) / 1024
"""What SQLite's caches come to when all are full: the bound of what still grows."""

HEAP_BYTES = 64 * 2**20
"""glibc's heaps beyond the first begin at multiples of this (HEAP_MAX_SIZE of 64-bit machines)."""


@dataclass(frozen=True)
class Resident:
    """What a process holds, in MiB: all of it; of that its own memory, files, and shared memory."""

    total: float
    own: float
    files: float
    shared: float


@dataclass
class Watch:
    """The server's process, looked at every now and then."""

    pid: int
    wal: Path
    every_seconds: float
    samples: list[tuple[float, Resident]] = field(default_factory=list)
    """(seconds since the start, what it held)"""
    largest_wal_mib: float = 0.0
    n_heaps: int = 0
    n_connections: int = 0
    """The most to the database at once."""

    def run(self, over: threading.Event) -> None:
        """Take samples until `over` is set."""
        started = time.monotonic()
        while True:
            self.samples.append((time.monotonic() - started, resident(self.pid)))
            self.n_heaps = max(self.n_heaps, heaps(self.pid))
            database = self.wal.with_name(self.wal.name.removesuffix("-wal"))
            self.n_connections = max(self.n_connections, times_open(self.pid, database))
            if self.wal.exists():
                self.largest_wal_mib = max(self.largest_wal_mib, self.wal.stat().st_size / 2**20)
            if over.wait(self.every_seconds):
                return

    def figures(self) -> dict[str, Any]:
        """Return what was seen, in MiB."""
        found = {
            "first": self.samples[0][1].total,
            "last": self.samples[-1][1].total,
            "highest": max(held.total for _, held in self.samples),
            "heaps": self.n_heaps,
            "connections": self.n_connections,
        }
        grown = self.growth()
        return found | ({} if grown is None else {"growth": asdict(grown)})

    def growth(self) -> Resident | None:
        """Return what came between the eleventh minute and the last one; None if it was shorter."""
        ends = self.samples[-1][0]
        if ends < SETTLING_SECONDS + 2 * WINDOW_SECONDS:
            return None
        early = self._medians(SETTLING_SECONDS, SETTLING_SECONDS + WINDOW_SECONDS)
        late = self._medians(ends - WINDOW_SECONDS, ends)
        return Resident(*(b - a for a, b in zip(early, late, strict=True)))

    def by_minute(self) -> list[list[float]]:
        """Return the first look of every minute: minute, and what was held in MiB."""
        rows: dict[int, list[float]] = {}
        for seconds, held in self.samples:
            rows.setdefault(int(seconds // 60), [round(mib, 2) for mib in asdict(held).values()])
        return [[minute, *held] for minute, held in rows.items()]

    def _medians(self, start: float, end: float) -> list[float]:
        inside = [asdict(held).values() for at, held in self.samples if start <= at <= end]
        return [statistics.median(column) for column in zip(*inside, strict=True)]


def verdict(watch: Watch) -> str:
    """Return whether the memory grew, in two sentences; empty if it was watched for too short."""
    grown = watch.growth()
    if grown is None:
        return ""
    is_met = grown.total < MOST_GROWTH_MIB
    parts = f"own memory {grown.own:+.2f}, files {grown.files:+.2f}, shared {grown.shared:+.2f}"
    is_bounded = grown.own <= SQLITE_MIB
    return (
        f"After the first ten minutes the server grew by {grown.total:.2f} MiB ({parts}); the "
        f"target, less than {MOST_GROWTH_MIB:g} MiB, is {'met' if is_met else 'MISSED'}. Its own "
        f"memory's growth is {'within' if is_bounded else 'BEYOND'} the {SQLITE_MIB:.1f} MiB that "
        f"SQLite's caches come to when full{'' if is_bounded else ': something else grows'}."
    )


def resident(pid: int) -> Resident:
    """Return the memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {
        line.partition(":")[0]: line.split()[1]
        for line in status
        if line.startswith(("VmRSS", "Rss"))
    }
    names = ("VmRSS", "RssAnon", "RssFile", "RssShmem")
    return Resident(*(int(kib[name]) / 1024 for name in names))


def times_open(pid: int, path: Path) -> int:
    """Return how often a process has a file open: once for each connection to a database."""
    n = 0
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # Closed meanwhile.
            n += os.readlink(handle) == str(path.resolve())
    return n


def heaps(pid: int) -> int:
    """Return how many heaps of glibc's a process has; 1 where all its threads share the first."""
    return 1 + sum(1 for _ in _further_heaps(Path(f"/proc/{pid}/maps").read_text().splitlines()))


def _further_heaps(lines: list[str]) -> Iterator[str]:
    # Each: memory in use from a multiple of 64 MiB on, and then what is only reserved.
    for line, after in pairwise(lines):
        start, end = line.split()[0].split("-")
        is_used = line.split()[1] == "rw-p" and int(start, 16) % HEAP_BYTES == 0
        if is_used and after.startswith(f"{end}-") and after.split()[1] == "---p":
            yield start
