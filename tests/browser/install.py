"""Installs a Chromium where there is none: `python -m tests.browser.install`.

The system's packages come first, because they bring the libraries that a browser needs; they are
root's to install. Else Playwright fetches its own build. Without the headless shell the tests take
longer and are the same: where a whole browser is there, the lists of packages are not fetched for
the shell, and that it cannot be installed is no failure.
"""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.chromium import SHELL, TODO, find

UPDATE = ["apt-get", "update", "--quiet"]
INSTALL = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends"]
PLAYWRIGHT = ([sys.executable, "-m", "playwright", "install", "chromium"],)


def main() -> None:
    """Install a browser if there is none; say what to do if that does not work."""
    is_root_of_debian = os.geteuid() == 0 and shutil.which("apt-get") is not None
    with sync_playwright() as playwright:
        is_there = find(playwright) is not None
    if is_there and (shutil.which(SHELL) is not None or not is_root_of_debian):
        return
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    ways: list[tuple[list[str], ...]] = [PLAYWRIGHT]
    if is_there:
        ways = [([*INSTALL, SHELL],)]
    elif is_root_of_debian:
        ways = [(UPDATE, [*INSTALL, "chromium", SHELL]), ([*INSTALL, "chromium"],), PLAYWRIGHT]
    for commands in ways:
        if all(
            subprocess.run(command, env=quiet, check=False).returncode == 0 for command in commands
        ):
            return
    if not is_there:
        raise SystemExit(TODO)


if __name__ == "__main__":
    main()
