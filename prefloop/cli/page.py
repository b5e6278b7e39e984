"""The labeling page beside a run: a process of its own that lives as long as the run does."""

import fcntl
import json
import os
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import TextIO
from urllib.parse import urlsplit

from prefloop.errors import InputError
from prefloop.progress import Progress

LOCK = "serve.lock"
"""Held by the process that serves a run folder; holds its address."""
AGAIN_SECONDS = 1.0
"""Before a page that ended is started again, or looked for."""
PROBLEM_SECONDS = 10.0
"""Before it is tried again after a problem that may mend, such as a database that is away."""
END_SECONDS = 15.0
"""How long the page may take to finish what it has begun."""
USER_PROBLEM = 2
"""Exit code of a page that said what its problem is."""
PACKAGES = ("argon2", "fastapi", "httptools", "nh3", "uvicorn")
"""What the pages are made of: the extra `web`, by the names under which it is imported."""


def require_packages() -> None:
    """Raise an InputError if the pages cannot be served because a package is missing."""
    lacking = [name for name in PACKAGES if find_spec(name) is None]
    if lacking:
        raise InputError(
            "The labeling page and the dashboard need packages that are not installed "
            f"({', '.join(lacking)}): pip install 'prefloop[web]', then run the same again."
        )


@contextmanager
def the_only_server(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder's server; a second one gets an error that names the first."""
    with (folder / LOCK).open("a") as lock:
        if not _is_mine(lock, fcntl.LOCK_EX):
            raise InputError(
                f"{folder} is served already, at {last_address(folder) or 'an unknown address'}. "
                "Use that one, or stop it first."
            )
        yield


def last_address(folder: Path) -> str | None:
    """Return where the folder is served, or was served last."""
    path = folder / LOCK
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    try:
        url = urlsplit(text)
        is_address = bool(url.hostname) and url.port != 0
    except ValueError:  # no address at all: the file is damaged
        is_address = False
    return text if is_address else None


def served_at(folder: Path) -> str | None:
    """Return the address of the process that serves the folder now; None if none does.

    One that is just starting has no address yet: the text is empty, or its last one.
    """
    if not (folder / LOCK).exists():
        return None
    with (folder / LOCK).open() as lock:
        return None if _is_mine(lock, fcntl.LOCK_SH) else last_address(folder) or ""


def _is_mine(lock: TextIO, kind: int) -> bool:
    """Whether the lock was taken; a process that only looks holds it for an instant."""
    for wait_seconds in (0.1, 0.2, 0.0):
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(wait_seconds)
    return False


@contextmanager
def labeling_page(
    folder: Path, overrides: Sequence[str], progress: Progress, *, opens_browser: bool
) -> Iterator[None]:
    """Keep the page up while the block runs, unless somebody else serves the folder.

    InputError if nobody does and the packages of the page are not installed.
    """
    if served_at(folder) is None:
        require_packages()
    keeper = _Keeper(folder, overrides, progress, opens_browser=opens_browser)
    keeper.start()
    try:
        yield
    finally:
        keeper.end()


class _Keeper(Thread):
    """Starts the page's process, tells what it says, and starts it again if it dies."""

    def __init__(
        self, folder: Path, overrides: Sequence[str], progress: Progress, *, opens_browser: bool
    ) -> None:
        super().__init__(name="labeling page", daemon=True)
        self.folder = folder
        self.overrides = overrides
        self.progress = progress
        self.opens_browser = opens_browser
        self.is_over = Event()
        self.process: subprocess.Popen[str] | None = None
        self.told_address = ""
        self.told_problem = ""

    def run(self) -> None:
        """Keep the page up until the run is over."""
        while not self.is_over.is_set():
            code: int | None = None
            address = served_at(self.folder)
            if address is None:
                code = self.serve()
            elif address:
                self.tell_address(address)
            self.is_over.wait(PROBLEM_SECONDS if code == USER_PROBLEM else AGAIN_SECONDS)

    def serve(self) -> int:
        """Run the page's process to its end and return its exit code."""
        command = [sys.executable, "-m", "prefloop", "serve", str(self.folder), *self.overrides]
        self.process = subprocess.Popen(
            [*command, "--for-run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # ^C in the terminal is for the run, which then ends the page.
            start_new_session=True,
        )
        with self.process as process:
            if self.is_over.is_set():
                process.kill()
            assert process.stdout is not None
            for line in process.stdout:
                self.tell(_message(line))
            code = process.wait()
        if not self.is_over.is_set() and code != USER_PROBLEM:
            self.progress.say(f"The labeling page ended with code {code}. It is started again.")
        return code

    def tell(self, message: dict[str, str]) -> None:
        """Tell at the run's terminal what the page's process says."""
        if "address" in message:
            self.tell_address(message["address"])
        if "say" in message:
            self.progress.say(message["say"])
        problem = message.get("problem", "")
        if problem and problem != self.told_problem:
            self.told_problem = problem
            self.progress.say(f"{problem}\nUntil that is mended there is no labeling page.")

    def tell_address(self, address: str) -> None:
        """Say where the page is, once, and show it to somebody who sits at a screen."""
        if address == self.told_address:
            return
        self.told_address = address
        self.progress.say(f"The labeling page is at {address}")
        if self.opens_browser and _is_at_a_screen():
            webbrowser.open(address)

    def end(self) -> None:
        """End the page's process; what it has begun is finished first."""
        self.is_over.set()
        process = self.process
        if process is not None and process.poll() is None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self.join(END_SECONDS)


def _message(line: str) -> dict[str, str]:
    """Return what a line of the page's process says; what is none of its messages is said as is."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    return message if isinstance(message, dict) else {"say": line.rstrip()}


def _is_at_a_screen() -> bool:
    has_display = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return has_display and sys.stdout.isatty()
