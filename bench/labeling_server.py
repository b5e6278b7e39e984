"""How many answers a second the labeling server takes, how long people wait, and what it needs.

    python bench/labeling_server.py --seconds 60            as many answers as go in
    python bench/labeling_server.py --people 50             fifty people who read before they answer
    python bench/labeling_server.py --soak 3600             an hour at --rate; does its memory grow?
    python bench/labeling_server.py --seconds 60 --full     in a store of 1,000,000 labels

Starts the server that `prefloop serve` starts, on a new SQLite store on this disk, with logins,
tokens against forgery, validation, ledger and `synchronous=FULL`. The clients are processes on the
same machine. In the end every answer that the server confirmed is looked up in the store.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labeler_client import Heard, Labeler
from labeling_store import fill

from prefloop.store.store import Store

RUN_FILE = """
task:
  name: sentiment
  instructions_version: "2"
comparisons:
  labelers: people
"""
LEAD_SECONDS = 2.0
"""From the moment everybody is logged in to the first question."""

READING_SECONDS = (3.0, 12.0)
"""How long a person reads, at least and at most."""

AT_ONCE = 4
"""Questions that a busy client takes at once; the page takes two."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one client process is to do."""

    address: str
    codes: tuple[str, ...]
    begins_at: float
    seconds: float
    reads: bool
    """Whether its labelers take their time."""
    pause_seconds: float = 0.0
    """Between two answers of a labeler who does not read."""


@dataclass
class Watch:
    """The server's process, looked at every now and then."""

    pid: int
    wal: Path
    every_seconds: float
    samples: list[tuple[float, float]] = field(default_factory=list)
    """(seconds since the start, resident MiB)"""
    largest_wal_mib: float = 0.0

    def run(self, over: threading.Event) -> None:
        """Look until told to stop."""
        started = time.monotonic()
        while True:
            self.samples.append((time.monotonic() - started, resident_mib(self.pid)))
            if self.wal.exists():
                self.largest_wal_mib = max(self.largest_wal_mib, self.wal.stat().st_size / 2**20)
            if over.wait(self.every_seconds):
                return

    def slope_mib_per_hour(self) -> float | None:
        """Return how fast the memory grows, over the second half: caches fill in the first."""
        points = self.samples[len(self.samples) // 2 :]
        if len(points) < 10:
            return None
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        across = sum((x - mean_x) * (y - mean_y) for x, y in points)
        return 3600 * across / sum((x - mean_x) ** 2 for x, _ in points)


def main() -> None:
    """Measure, print, and leave with 1 if an answer that was confirmed is not there."""
    options = parse()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        run = Path(name) / "run"
        run.mkdir()
        (run / "run.yaml").write_text(RUN_FILE)
        codes = prepare(run / "prefloop.db", options)
        figures = measure(run, codes, options)
    print(json.dumps(figures, indent=1) if options.json else readable(figures))
    if figures["confirmed_and_lost"]:
        sys.exit(1)


def parse() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=32, help="labelers at once")
    parser.add_argument("--processes", type=int, default=2, help="processes that they share")
    parser.add_argument("--people", type=int, help="so many labelers who read first")
    parser.add_argument("--soak", type=float, help="seconds at --rate")
    parser.add_argument("--rate", type=float, default=20.0, help="answers a second in a soak")
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--full", action="store_true", help="100,000 questions, 1,000,000 labels")
    parser.add_argument("--folder", help="where the store is made; a disk, not a RAM disk")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.people:
        options.clients = options.people
    if options.soak:
        options.seconds = options.soak
        options.clients = min(options.clients, 10)
    return options


def prepare(path: Path, options: argparse.Namespace) -> list[str]:
    """Fill a store with questions and labelers; return their login codes."""
    n_questions, n_labels = (100_000, 10) if options.full else (options.questions, 1)
    with Store.open(path) as store:
        fill(store, n_questions, n_labels)
        store.queue.open_batch(
            0, [(f"c{i}", n_labels + options.clients) for i in range(n_questions)]
        )
        people = [store.people.add(f"client{i}", "labeler") for i in range(options.clients)]
        return [store.access.invite(person.id) for person in people]


def measure(run: Path, codes: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Let everybody answer, and return the figures."""
    with server(run) as (address, pid, start_seconds):
        watch = Watch(pid, run / "prefloop.db-wal", min(10.0, options.seconds / 50))
        over = threading.Event()
        watcher = threading.Thread(target=watch.run, args=(over,))
        watcher.start()
        cpu_before = cpu_seconds(pid)
        heard = drive(address, codes, options)
        cpu = cpu_seconds(pid) - cpu_before
        over.set()
        watcher.join()
    answers = sorted(s for each in heard for s in each["answer_seconds"])
    claims = sorted(s for each in heard for s in each["claim_seconds"])
    confirmed = [name for each in heard for name in each["saved"]]
    return {
        "machine": f"{os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_average": os.getloadavg(),
        "labelers": options.clients,
        "mode": "reading" if options.people else "soak" if options.soak else "busy",
        "seconds": options.seconds,
        "answers": len(answers),
        "answers_per_second": len(answers) / options.seconds,
        "answer_ms": milliseconds(answers),
        "claim_ms": milliseconds(claims),
        "repeated_requests": sum(each["n_repeats"] for each in heard),
        "refused": [told for each in heard for told in each["refusals"]][:5],
        "confirmed": len(confirmed),
        "confirmed_and_lost": n_lost(run / "prefloop.db", confirmed),
        "server_start_seconds": start_seconds,
        "server_cpu_ms_per_answer": 1000 * cpu / max(1, len(answers)),
        "server_rss_mib": {
            "first": watch.samples[0][1],
            "last": watch.samples[-1][1],
            "highest": max(mib for _, mib in watch.samples),
            "slope_per_hour": watch.slope_mib_per_hour() if options.soak else None,
        },
        "largest_wal_mib": watch.largest_wal_mib,
    }


@contextmanager
def server(run: Path) -> Iterator[tuple[str, int, float]]:
    """A server over the run, as users start it: its address, process, and how long that took."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "prefloop", "serve", str(run)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if "http://" in line)
        address = line[line.index("http://") :].strip()
        yield address, process.pid, time.monotonic() - started
    finally:
        process.terminate()
        process.wait(30)


def drive(address: str, codes: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Let client processes answer; return what each heard."""
    n = min(options.processes, len(codes))
    begins_at = time.time() + LEAD_SECONDS + 0.05 * len(codes)
    pause = len(codes) / options.rate if options.soak else 0.0
    loads = [
        Load(
            address=address,
            codes=tuple(codes[part::n]),
            begins_at=begins_at,
            seconds=options.seconds,
            reads=bool(options.people),
            pause_seconds=pause,
        )
        for part in range(n)
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n, mp_context=spawn) as pool:
        return list(pool.map(answer_for_a_while, loads))


def answer_for_a_while(load: Load) -> dict[str, Any]:
    """Be so many labelers; return what they heard."""
    heard = Heard()
    asyncio.run(_all_labelers(load, heard))
    found = asdict(heard)
    found["saved"] = list(heard.saved)
    return found


async def _all_labelers(load: Load, heard: Heard) -> None:
    labelers = [Labeler(load.address, heard, seed=hash(code)) for code in load.codes]
    for labeler, code in zip(labelers, load.codes, strict=True):
        await labeler.enter(code)
    await asyncio.sleep(max(0.0, load.begins_at - time.time()))
    ends = time.monotonic() + load.seconds
    await asyncio.gather(*(_one_labeler(each, load, heard, ends) for each in labelers))


async def _one_labeler(labeler: Labeler, load: Load, heard: Heard, ends: float) -> None:
    low, high = READING_SECONDS
    async with aclosing(labeler.connection):
        if load.reads or load.pause_seconds:
            # Not all at the same instant.
            await asyncio.sleep(labeler.luck.uniform(0, load.pause_seconds or low))
        try:
            while time.monotonic() < ends:
                for question in await labeler.claim(2 if load.reads else AT_ONCE):
                    if load.reads:
                        await asyncio.sleep(labeler.luck.uniform(low, high))
                    elif load.pause_seconds:
                        await asyncio.sleep(load.pause_seconds)
                    if time.monotonic() < ends:
                        await labeler.answer(question)
        except Exception as error:
            heard.refusals.append(repr(error))


def n_lost(path: Path, confirmed: Sequence[str]) -> int:
    """Return how many confirmed answers the store does not hold exactly once."""
    with Store.open(path) as store:
        checks = [check.id for check in store.gold.checks()]
        found = [label.id for label in store.labels()] + checks
        store.verify_chain()
    return len(set(confirmed) - set(found)) + len(found) - len(set(found))


def milliseconds(ordered: Sequence[float]) -> dict[str, float]:
    """Return median, tail and maximum of ordered times."""
    if not ordered:
        return {}
    at = {f"p{share}": ordered[int(share / 100 * (len(ordered) - 1))] for share in (50, 95, 99)}
    return {name: round(1000 * s, 2) for name, s in (at | {"max": ordered[-1]}).items()}


def resident_mib(pid: int) -> float:
    """Return the memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kib) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def readable(figures: dict[str, Any]) -> str:
    """Return the figures as lines."""
    return "\n".join(f"{name.replace('_', ' '):26} {_short(v)}" for name, v in figures.items())


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    return str(value)


if __name__ == "__main__":
    main()
