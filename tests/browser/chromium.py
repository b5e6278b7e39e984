"""Finds a Chromium and starts it: the system's, else the one that Playwright brought.

Its headless shell is the same engine without the windows, profiles and extensions around it. A
page in a new context of it takes 0.7 CPU seconds, not 2.4, so pages are tested in it where it is.
"""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright

SHELL = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    *("--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--disable-dev-shm-usage"),
]
TODO = (
    "There is no browser to test the pages with, and `make test` could not install one. Install "
    "one: `apt-get install chromium`, or `.venv/bin/playwright install chromium`."
)


def find(playwright: Playwright) -> str | None:
    """Return the path of a whole Chromium, if there is one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    own = playwright.chromium.executable_path
    return own if found is None and Path(own).exists() else found


def executable(playwright: Playwright) -> str:
    """Return the path of a whole Chromium; fail with what to do if there is none."""
    found = find(playwright)
    assert found is not None, TODO
    return found


def arguments() -> list[str]:
    """Return the switches for a browser that talks to nobody but our server."""
    # Chromium's own sandbox cannot be set up by root, as in most containers.
    return [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS


def launch(playwright: Playwright, *, whole: bool = False) -> Browser:
    """Return a running browser without a window; `whole` is the one that people have."""
    path = (None if whole else shutil.which(SHELL)) or executable(playwright)
    return playwright.chromium.launch(executable_path=path, args=arguments())


def launch_with_profile(playwright: Playwright, folder: Path) -> BrowserContext:
    """Return a running browser that keeps cookies and outbox in a folder, as the whole one does."""
    return playwright.chromium.launch_persistent_context(
        str(folder), executable_path=executable(playwright), args=arguments()
    )


def kill(folder: Path) -> None:
    """End the browser with this profile at once, as a crash does."""
    # Chromium links its lock to `host-pid`.
    pid = int(os.readlink(folder / "SingletonLock").rpartition("-")[2])
    os.kill(pid, 9)
