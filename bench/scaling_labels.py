"""What one server process takes from labelers, over SQLite and over PostgreSQL, and what it stores.

The labelers are those of `labeling_server.py`: 32 who do not read. Clients, server and database
share this machine; every commit is on its disk in both.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from labeling_load import Load, drive
from labeling_server import RUN_FILE, labelers, milliseconds, server
from labeling_store import fill
from scaling_runs import row_counts

from prefloop.store.store import Store
from tests.postgres import running_cluster

LABELERS, PROCESSES = 32, 2
QUESTIONS = 4000
SIZES = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"


def measure_labeling(seconds: float) -> dict[str, Any]:
    """Return what came of the same labelers over each kind of store."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(is_durable=True))
        url = stack.enter_context(cluster.new_database())
        runs = [Path(name) / kind for kind in ("sqlite", "postgresql")]
        stores = [str(runs[0] / "prefloop.db"), url]
        pairs = zip(runs, stores, strict=True)
        return {run.name: _one(run, store, seconds) for run, store in pairs}


def _one(run: Path, address: str, seconds: float) -> dict[str, Any]:
    """Let labelers answer for a while; rows and bytes are what was added meanwhile."""
    run.mkdir()
    is_file = "://" not in address
    where: Path | str = Path(address) if is_file else address
    (run / "run.yaml").write_text(RUN_FILE + ("" if is_file else f"store: {address}\n"))
    with Store.open(where) as store:
        fill(store, QUESTIONS, 1)
        store.queue.open_batch(0, [(f"c{i}", 1 + LABELERS) for i in range(QUESTIONS)])
        everybody = labelers(store, "client", LABELERS)
    sizes, rows, load = _sizes(where), _rows(where), os.getloadavg()[0]
    with server(run) as (page, _, _):
        outcome = drive(page, everybody, Load(seconds=seconds), PROCESSES)
    added = {name: n - rows.get(name, 0) for name, n in _rows(where).items()}
    grown = {name: n - sizes.get(name, 0) for name, n in _sizes(where).items()}
    return {
        "answers": len(outcome.confirmed),
        "per_second": len(outcome.confirmed) / seconds,
        "answer_ms": milliseconds(outcome.answer_seconds),
        "question_ms": milliseconds(outcome.claim_seconds),
        "rows_added": {name: n for name, n in added.items() if n},
        "bytes_added": {name: n for name, n in grown.items() if n},
        "refused": outcome.refusals[:3],
        "load_before": load,
    }


def _rows(where: Path | str) -> dict[str, int]:
    with Store.open(where) as store:
        return row_counts(store)


def _sizes(where: Path | str) -> dict[str, int]:
    """Return the bytes of each table with its indexes; of SQLite, of the file."""
    if isinstance(where, Path):
        return {"the whole file": where.stat().st_size}
    with psycopg.connect(where) as connection:
        return {str(name): int(size) for name, size in connection.execute(SIZES)}
