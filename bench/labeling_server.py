"""How many answers a second the labeling server takes, how long people wait, and what it needs.

    python bench/labeling_server.py --seconds 60          answers alone, then questions and answers
    python bench/labeling_server.py --full                the same in a store of 1,000,000 labels
    python bench/labeling_server.py --people 50           fifty people who read before they answer
    python bench/labeling_server.py --soak 3600           an hour at --rate: does the memory grow?

A soak writes bench/results/labeling_soak.json, with the memory of every minute.

Starts the server that `prefloop serve` starts, over a new SQLite store on this disk, with logins,
tokens against forgery, validation, ledger and `synchronous=FULL`. The clients are processes on the
same machine. In the end every answer that the server confirmed is looked up in the store.
"""

import argparse
import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labeling_load import Load, Outcome, Person, drive
from labeling_store import fill
from server_memory import Watch, verdict

from prefloop.store.labeling.submissions import position_name
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy

RUN_FILE = """
task:
  name: sentiment
  instructions_version: "2"
comparisons:
  labelers: people
"""
RESULTS = Path(__file__).parent / "results"
MOST_PER_SECOND = 1500
"""So many questions are handed out beforehand where answers alone are measured."""

WORK_ONLY = ClaimPolicy(gold_share=0.0, retest_share=0.0, lease_seconds=7200.0)


def main() -> None:
    """Measure, print, and leave with 1 if an answer that was confirmed is not there."""
    options = parse()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        run = Path(name) / "run"
        run.mkdir()
        (run / "run.yaml").write_text(RUN_FILE)
        loads = prepare(run / "prefloop.db", options)
        figures = measure(run, loads, options)
    if options.soak:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "labeling_soak.json").write_text(json.dumps(figures, indent=1) + "\n")
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
    parser.add_argument("--rate", type=float, default=5.0, help="answers a second in a soak")
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--full", action="store_true", help="100,000 questions, 1,000,000 labels")
    parser.add_argument("--folder", help="where the store is made: a disk, not a RAM disk")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


Phase = tuple[str, Load, list[Person]]
"""Its name, what is done, and who does it."""


def prepare(path: Path, options: argparse.Namespace) -> list[Phase]:
    """Fill a store with questions and labelers; return who is to do what."""
    n_questions, n_labels = (100_000, 10) if options.full else (options.questions, 1)
    n_people = options.people or options.clients
    with Store.open(path) as store:
        fill(store, n_questions, n_labels)
        wanted = n_labels + 2 * n_people
        store.queue.open_batch(0, [(f"c{i}", wanted) for i in range(n_questions)])
        if options.people:
            load = Load(seconds=options.seconds, reads=True)
            return [("people who read", load, labelers(store, "reader", n_people))]
        if options.soak:
            load = Load(seconds=options.soak, pause_seconds=n_people / options.rate)
            return [("soak", load, labelers(store, "soaker", n_people))]
        n_stock = 1 + int(options.seconds * MOST_PER_SECOND / n_people)
        return [
            (
                "answers alone",
                Load(seconds=options.seconds),
                labelers(store, "answerer", n_people, n_stock=n_stock),
            ),
            (
                "questions and answers",
                Load(seconds=options.seconds / 2),
                labelers(store, "client", n_people),
            ),
        ]


def labelers(store: Store, name: str, n: int, *, n_stock: int = 0) -> list[Person]:
    """Let labelers in, each with a code and so many questions handed out."""
    found = []
    for number in range(n):
        person = store.people.add(f"{name}{number}", "labeler")
        assignments: list[Assignment] = []
        if n_stock:
            luck = random.Random(number)
            assignments = store.queue.claim(person.name, n=n_stock, rng=luck, policy=WORK_ONLY)
        stock = tuple(
            {
                "assignment_id": each.id,
                "samples": [{"id": position_name(i)} for i in range(len(each.samples))],
            }
            for each in assignments
        )
        found.append(Person(code=store.access.invite(person.id), stock=stock))
    return found


def measure(run: Path, phases: Sequence[Phase], options: argparse.Namespace) -> dict[str, Any]:
    """Let everybody do their part, and return the figures."""
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.platform()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_average_before": os.getloadavg(),
        "labels_before": 1_000_000 if options.full else options.questions,
    }
    confirmed: list[str] = []
    with server(run) as (address, pid, start_seconds):
        longest = max(load.seconds for _, load, _ in phases)
        watch = Watch(pid, run / "prefloop.db-wal", min(10.0, longest / 50))
        over = threading.Event()
        watcher = threading.Thread(target=watch.run, args=(over,))
        watcher.start()
        for name, load, people in phases:
            before = cpu_seconds(pid)
            outcome = drive(address, people, load, options.processes)
            figures[name] = of_phase(outcome, load, len(people), cpu_seconds(pid) - before)
            confirmed += outcome.confirmed
        over.set()
        watcher.join()
    if options.soak:
        figures |= {"verdict": verdict(watch), "mib_by_minute": watch.by_minute()}
    return figures | {
        "confirmed": len(confirmed),
        "confirmed_and_lost": n_lost(run / "prefloop.db", confirmed),
        "server_start_seconds": start_seconds,
        "server_rss_mib": watch.figures(),
        "largest_wal_mib": watch.largest_wal_mib,
    }


def of_phase(outcome: Outcome, load: Load, n_people: int, cpu: float) -> dict[str, Any]:
    """Return the figures of one phase."""
    n_answers = len(outcome.answer_seconds)
    return {
        "labelers": n_people,
        "seconds": load.seconds,
        "answers": n_answers,
        "answers_per_second": n_answers / load.seconds,
        "answer_ms": milliseconds(outcome.answer_seconds),
        "claim_ms": milliseconds(outcome.claim_seconds),
        "server_cpu_ms_per_answer": 1000 * cpu / max(1, n_answers),
        "repeated_requests": outcome.n_repeats,
        "refused": outcome.refusals[:5],
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


def n_lost(path: Path, confirmed: Sequence[str]) -> int:
    """Return how many confirmed answers the store does not hold exactly once."""
    with Store.open(path) as store:
        checks = [check.id for check in store.gold.quality_checks()]
        found = [label.id for label in store.labels()] + checks
        store.verify_chain()
    return len(set(confirmed) - set(found)) + len(found) - len(set(found))


def milliseconds(ordered: Sequence[float]) -> dict[str, float]:
    """Return median, tail and maximum of ordered times."""
    if not ordered:
        return {}
    at = {f"p{share}": ordered[int(share / 100 * (len(ordered) - 1))] for share in (50, 95, 99)}
    return {name: round(1000 * s, 2) for name, s in (at | {"max": ordered[-1]}).items()}


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def readable(figures: dict[str, Any], indent: str = "") -> str:
    """Return the figures as lines."""
    lines = []
    for name, value in figures.items():
        if name == "mib_by_minute":
            continue  # In the file.
        if isinstance(value, dict) and "answers" in value:
            lines += [f"{name}:", readable(value, "  ")]
        else:
            lines.append(f"{indent}{name.replace('_', ' '):28} {_short(value)}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    return str(value)


if __name__ == "__main__":
    main()
