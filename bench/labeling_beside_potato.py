"""prefloop's labeling server beside Potato's: questions and answers a second, and a kill.

    make bench-potato                                          # .venv-potato, and both in two turns
    python bench/labeling_beside_potato.py --seconds 20 --turns 1

Thirty-two labelers who do not read take a question, answer, and take the next. Each server runs
alone, in turns, over a new store on this disk. prefloop's clients are those of
`labeling_server.py`, Potato's its own load generator (`python -m potato.simulator --fast-mode`). In
the last turn each server is killed (SIGKILL) in the middle; every answer that it had confirmed is
then looked up in what it left on the disk.

What differs: prefloop asks for the best of four and hands out four questions at a time. Potato asks
to pick one of four labels of a text, and its generator makes four requests for each: question,
text, answer, next. A cycle is the time from one confirmed answer of a labeler to the next.
"""

import argparse
import csv
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from labeling_load import LOGIN_SECONDS, Load, drive
from labeling_server import RUN_FILE, labelers, milliseconds, n_lost, server
from labeling_store import WORDS, fill

from prefloop.store.store import Store

RESULTS = Path(__file__).parent / "results"
LABELERS = 32
PROCESSES = 2
N_QUESTIONS = 4000
LOGIN_SECONDS_AT_MOST = 300
POTATO = """
annotation_task_name: best of four
task_dir: .
output_annotation_dir: answers/
output_annotation_format: jsonl
data_files: [questions.jsonl]
item_properties: {id_key: id, text_key: text}
user_config: {allow_all_users: true, users: []}
require_password: false
annotation_schemes:
  - annotation_type: radio
    name: best
    description: Which continuation is best?
    labels: [first, second, third, fourth]
"""


def main() -> None:
    """Run both in turns, write the results and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--potato", type=Path, default=Path(".venv-potato/bin"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for turn in range(options.turns):
        is_last = turn == options.turns - 1
        for name, side in (("prefloop", of_prefloop), ("Potato 2.12.1", of_potato)):
            load = os.getloadavg()[0]
            for is_killed in (False, True) if is_last else (False,):
                with tempfile.TemporaryDirectory() as folder:
                    found = side(Path(folder), options.seconds, is_killed, options.potato)
                rows.append({"side": name, "turn": turn + 1, "killed": is_killed, **found})
                rows[-1]["load_before"] = load
                print(json.dumps(rows[-1]), flush=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    content = {"machine": machine, "labelers": LABELERS, "seconds": options.seconds, "rows": rows}
    path = RESULTS / "labeling_beside_potato.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    path.with_suffix(".md").write_text(table(rows))
    print(table(rows))


def of_prefloop(folder: Path, seconds: float, is_killed: bool, _potato: Path) -> dict[str, Any]:
    """Return what prefloop's server did; a killed one is started again at its address."""
    run = folder / "run"
    run.mkdir()
    port = free_port()
    people = f"{RUN_FILE}  people:\n    port: {port}\n"
    (run / "run.yaml").write_text(people)
    with Store.open(run / "prefloop.db") as store:
        fill(store, N_QUESTIONS * LABELERS // 4, 1)
        wanted = 1 + 2 * LABELERS
        store.queue.open_batch(0, [(f"c{i}", wanted) for i in range(N_QUESTIONS)])
        everybody = labelers(store, "client", LABELERS)
    with server(run) as (address, pid, _):
        over = threading.Event()
        killer = threading.Thread(target=_kill_and_restart, args=(run, pid, seconds, over))
        if is_killed:
            killer.start()
        outcome = drive(address, everybody, Load(seconds=seconds), PROCESSES)
        over.set()
        if is_killed:
            killer.join()
    return {
        "answers": len(outcome.confirmed),
        "per_second": len(outcome.confirmed) / seconds,
        "answer_ms": milliseconds(outcome.answer_seconds),
        "question_ms": milliseconds(outcome.claim_seconds),
        "lost": n_lost(run / "prefloop.db", outcome.confirmed),
        "refused": outcome.refusals[:3],
    }


def _kill_and_restart(run: Path, pid: int, seconds: float, over: threading.Event) -> None:
    time.sleep(3.0 + LOGIN_SECONDS * LABELERS + seconds / 2)
    os.kill(pid, signal.SIGKILL)
    with server(run):
        over.wait()


def of_potato(folder: Path, seconds: float, is_killed: bool, potato: Path) -> dict[str, Any]:
    """Return what Potato's server did under its own load generator."""
    (folder / "config.yaml").write_text(POTATO)
    with (folder / "questions.jsonl").open("w") as file:
        for number in range(N_QUESTIONS):
            file.write(json.dumps({"id": f"q{number}", "text": WORDS}) + "\n")
    with potato_server(folder, potato) as (address, process):
        command = [
            str(potato.resolve() / "python"), "-m", "potato.simulator", "--server", address,
            "--users", str(LABELERS), "--parallel", str(LABELERS), "--fast-mode",
            "--max-annotations", str(N_QUESTIONS), "--output-dir", "heard",
        ]  # fmt: skip
        log = (folder / "simulator.log").open("w")
        load = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _await_everybody(folder / "answers")
        time.sleep(seconds)
        # Its generator has no time limit: it ends, and reports, when the server is gone.
        process.send_signal(signal.SIGKILL if is_killed else signal.SIGTERM)
        load.wait(600)
    return _heard(folder, seconds)


def _await_everybody(folder: Path) -> None:
    """Wait until every labeler has answered once: logging in is not what is measured."""
    ends = time.monotonic() + LOGIN_SECONDS_AT_MOST
    while sum('"on"' in path.read_text() for path in folder.glob("*/user_state.json")) < LABELERS:
        if time.monotonic() > ends:
            raise SystemExit(f"Not all labelers answered Potato in {LOGIN_SECONDS_AT_MOST} s.")
        time.sleep(0.5)


def _heard(folder: Path, seconds: float) -> dict[str, Any]:
    """Return the figures from the generator's report, and how many confirmed answers are gone."""
    (report,) = (folder / "heard").glob("annotations_*.csv")
    with report.open() as file:
        confirmed = list(csv.DictReader(file))
    times: dict[str, list[float]] = {}
    for row in confirmed:
        moment = datetime.fromisoformat(row["timestamp"]).timestamp()
        times.setdefault(row["user_id"], []).append(moment)
    moments = sorted(moment for each in times.values() for moment in each)
    ends = moments[-1]
    inside = [moment for moment in moments if moment > ends - seconds]
    cycles = sorted(b - a for each in times.values() for a, b in pairwise(sorted(each)))
    kept = {path.parent.name: path.read_text() for path in folder.glob("answers/*/user_state.json")}
    states = {name: json.loads(text) for name, text in kept.items()}
    answered = {
        (name, item)
        for name, state in states.items()
        for item, labels in dict(state["instance_id_to_label_to_value"]).items()
        if labels
    }
    lost = [row for row in confirmed if (row["user_id"], row["instance_id"]) not in answered]
    return {
        "answers": len(inside),
        "per_second": len(inside) / seconds,
        "cycle_ms": milliseconds(cycles),
        "lost": len(lost),
    }


@contextmanager
def potato_server(folder: Path, potato: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Potato server over the folder: its address and process."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [potato.resolve() / "potato", "start", "config.yaml", "-p", str(port)]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1"], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_page(address)
            yield address, process
        finally:
            process.kill()
            process.wait(30)


def _await_page(address: str) -> None:
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.2)
    raise SystemExit("Potato's server did not start in two minutes.")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def table(rows: list[dict[str, Any]]) -> str:
    """Return the medians over the turns, and the ratio."""
    lines = [
        "| server | questions and answers a second | p95, ms | lost over a kill |",
        "|---|---|---|---|",
    ]
    rates = {}
    for side in dict.fromkeys(row["side"] for row in rows):
        own = [row for row in rows if row["side"] == side]
        whole = [row for row in own if not row["killed"]]
        rates[side] = statistics.median(row["per_second"] for row in whole)
        p95 = "; ".join(
            f"{name.removesuffix('_ms')} {statistics.median(row[name]['p95'] for row in whole):.0f}"
            for name in ("question_ms", "answer_ms", "cycle_ms")
            if name in whole[0]
        )
        lost = ", ".join(str(row["lost"]) for row in own if row["killed"])
        lines.append(f"| {side} | {rates[side]:.0f} | {p95} | {lost or 'not killed'} |")
    ours, theirs = rates.values()
    return "\n".join([*lines, "", f"Ratio of the rates: {ours / theirs:.1f}.", ""])


if __name__ == "__main__":
    main()
