"""Trainer and labeling page are processes of their own, and either may die at any time."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from prefloop.cli.page import served_at
from tests.e2e.labelers import Labeler, chosen_texts, eventually
from tests.e2e.live_run import make_people_run, n_updates, opened, result

CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3,}\b")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path) -> Path:
    """A run that asks people, at a port of its own."""
    return make_people_run(tmp_path / "run", gpt2_folder, people={"port": free_port()})


class Process:
    """`prefloop ...` in a process of its own, with what it prints in a file."""

    def __init__(self, verb: str, run: Path) -> None:
        self.log = run.parent / "printed.txt"
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "prefloop", verb, str(run)],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def is_running(self) -> bool:
        return self.popen.poll() is None


def server_of(trainer: Process) -> int | None:
    """Return the process id of the page that a trainer has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1]
            command = folder.joinpath("cmdline").read_bytes()
        except OSError:
            continue  # It has ended meanwhile.
        if int(parent) == trainer.popen.pid and b"--for-run" in command:
            return int(folder.name)
    return None


@contextmanager
def labeling(run: Path, name: str) -> Iterator[Labeler]:
    """Somebody labels while the block runs."""
    labeler = Labeler(run, name)
    labeler.start()
    try:
        yield labeler
    finally:
        labeler.stop()


@contextmanager
def ended(*processes: Process) -> Iterator[None]:
    """No process outlives the block."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()


def is_served(run: Path) -> bool:
    try:
        return bool(served_at(run)) and httpx.get(f"{served_at(run)}/healthz").is_success
    except httpx.TransportError:
        return False


def log_in(browser: httpx.Client, address: str, code: str) -> None:
    """Log in with the code that the terminal showed; it works once."""
    browser.base_url, browser.headers["origin"] = httpx.URL(address), address
    entered = browser.post("/api/session", json={"code": code}).raise_for_status().json()
    assert entered["person"]["role"] == "owner"
    browser.headers["x-csrf-token"] = entered["csrf"]
    assert browser.post("/api/session", json={"code": code}).status_code == 401


@pytest.fixture
def owner() -> Iterator[httpx.Client]:
    """The browser of the run's owner."""
    with httpx.Client(timeout=20) as browser:
        yield browser


def test_both_processes_die_and_nothing_is_lost(
    run: Path, straight_people: Path, owner: httpx.Client
) -> None:
    first = Process("run", run)
    with ended(first):
        eventually("the page is up", lambda: is_served(run))
        [code] = eventually("a code is shown", lambda: CODE.findall(first.printed))
        assert not re.search(rf"http\S*{code}", first.printed), "no code in an address"
        log_in(owner, served_at(run) or "", code)
        with labeling(run, "ann") as ann:
            eventually("some answers", lambda: len(ann.acknowledged) >= 2)
            page = server_of(first)
            assert page is not None
            os.kill(page, signal.SIGKILL)
            eventually("another page", lambda: server_of(first) not in (None, page))
            eventually("the policy learns", lambda: n_updates(run) >= 1)
            page = server_of(first)
            assert page is not None
            first.kill()
            eventually("the page ends with its run", lambda: not Path(f"/proc/{page}").exists(), 20)
    page_by_hand = Process("serve", run)
    second = Process("run", run)
    with ended(second, page_by_hand):
        eventually("the page is up", lambda: is_served(run))
        with labeling(run, "ben") as ben:
            pulled_and_released(run, owner, ben.token)
            assert second.popen.wait(300) == 0, second.printed
        assert server_of(second) is None and page_by_hand.is_running()
        page_by_hand.popen.send_signal(signal.SIGINT)
        assert page_by_hand.popen.wait(30) == 130
        assert "Stopped. Run the same command again to continue." in page_by_hand.printed
    assert CODE.findall(second.printed) == [code], "shown once"
    with opened(run) as store:
        stored = chosen_texts(store)
    assert {**ann.acknowledged, **ben.acknowledged} == stored
    assert result(run) == result(straight_people)


def pulled_and_released(run: Path, owner: httpx.Client, token: str) -> None:
    """A labeler stops the line from the page; the trainer stands still; the owner lets it go on."""
    eventually("the policy goes on", lambda: "continues from update" in printed(run))
    address = served_at(run)
    assert address
    pull = {"reason": "it swears"}
    headers = {"authorization": f"Bearer {token}"}
    httpx.post(f"{address}/api/cord", json=pull, headers=headers, timeout=20).raise_for_status()
    cord = eventually("the trainer stands still", lambda: stopped(owner))
    made = n_updates(run)
    assert cord["pulled_by"] == "ben" and cord["update"] == made
    release = {"checked": "read ten samples", "action": "resume"}
    owner.post(f"/api/cord/{cord['id']}/release", json=release).raise_for_status()


def printed(run: Path) -> str:
    return (run.parent / "printed.txt").read_text(encoding="utf-8", errors="replace")


def stopped(owner: httpx.Client) -> dict[str, object] | None:
    cords = owner.get("/api/cord").raise_for_status().json()["cords"]
    return next((c for c in cords if c["stopped_at"] and not c["released_at"]), None)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(run: Path, straight_people: Path, seed: int) -> None:
    rng = random.Random(seed)
    trainer = Process("run", run)
    eventually("the page is up", lambda: is_served(run))
    deadline = time.monotonic() + 900
    with labeling(run, "ann") as ann:
        for _ in range(12):
            time.sleep(rng.uniform(1.0, 12.0))
            page = server_of(trainer)
            if page is not None and rng.random() < 0.5:
                os.kill(page, signal.SIGKILL)
            else:
                trainer.kill()
                trainer = Process("run", run)
        assert trainer.popen.wait(deadline - time.monotonic()) == 0, trainer.printed
    with opened(run) as store:
        assert ann.acknowledged == chosen_texts(store)
    assert result(run) == result(straight_people)
