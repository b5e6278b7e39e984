"""Runs of an experiment side by side: each is `prefloop run` in a process of its own.

Two processes of one thread each do more on two cores than one of two threads: a model this small
does not fill them (docs/experiments.md).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefloop.errors import InputError
from prefloop.experiments.members import Member
from prefloop.figures.text import update_text
from prefloop.files import read_json_lines
from prefloop.progress import Progress
from prefloop.run_history import METRICS_FILE
from prefloop.run_store import STORE_FILE
from prefloop.store.store import Store

LOG = "run.log"
"""In a member's folder: what it said while it ran beside others."""

POLL_SECONDS = 2.0
TAIL_LINES = 12
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run_side_by_side(members: list[Member], progress: Progress, *, jobs: int) -> None:
    """Run prepared members, at most `jobs` at once, and share the cores among them.

    InputError with the end of its log if one of them fails, and with the reason if one of them was
    stopped by an alarm, a canary or a person: it would wait for its owner for ever. The others are
    stopped then, as by ^C, and the same command goes on with all that is not finished.
    """
    waiting, running = list(members), dict[str, tuple[Member, subprocess.Popen[bytes]]]()
    threads = max(1, (os.cpu_count() or 1) // jobs)
    done, counted = 0, dict[str, int]()
    with _stopped_at_the_end(running):
        while waiting or running:
            while waiting and len(running) < jobs:
                member = waiting.pop(0)
                running[member.name] = (member, _start(member.folder, threads))
                progress.say(f"{member.name}: running; it writes {member.folder / LOG}")
            time.sleep(POLL_SECONDS)
            for name, (member, process) in list(running.items()):
                counted[name] = _count_updates(member, progress, counted.get(name, 0))
                if process.poll() is None:
                    _refuse_stopped(member)
                    continue
                del running[name]
                _refuse_failed(member, process.returncode)
                done += 1
                progress.count("runs", done, len(members))


def _start(folder: Path, threads: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefloop", "run", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )


@contextmanager
def _stopped_at_the_end(
    running: dict[str, tuple[Member, "subprocess.Popen[bytes]"]],
) -> Iterator[None]:
    """End every process that still runs, and wait for it: no run is left behind."""
    try:
        yield
    finally:
        for _, process in running.values():
            process.send_signal(signal.SIGINT)
        for _, process in running.values():
            process.wait()


def _count_updates(member: Member, progress: Progress, known: int) -> int:
    """Report the policy updates of a run, if there are more than `known`; return how many."""
    made = [
        line
        for line in read_json_lines(member.folder / METRICS_FILE)
        if line.get("stage") == "policy"
    ]
    if len(made) > known:
        detail = update_text(made[-1])
        total = member.config.updates
        progress.count(f"{member.name}: policy updates", len(made), total, detail)
    return len(made)


def _refuse_failed(member: Member, code: int) -> None:
    if code == 0:
        return
    path = member.folder / LOG
    tail = "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-TAIL_LINES:])
    raise InputError(
        f"{member.name} ended with code {code}. The end of {path}:\n{tail}\n"
        "Mend what it says and run the same command again: what is finished stays."
    )


def _refuse_stopped(member: Member) -> None:
    store = member.folder / STORE_FILE
    if not store.exists():
        return
    with Store.open(store, read_only=True) as opened:
        request = opened.stop_requests.active()
    if request is None or request.stopped_at is None:
        return  # Not asked to stop, or still on its way to a safe point.
    raise InputError(
        f"{member.name} waits for its owner: {request.pulled_by} stopped it at update "
        f"{request.update}: {request.reason}\nLook at `prefloop doctor {member.folder}`, release "
        f"the stop on the dashboard of `prefloop serve {member.folder}`, and run the same command "
        "again: what is finished stays."
    )
