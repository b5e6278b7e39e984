"""Installs a Chromium where there is none: `python -m tests.browser.install`.

The system's packages come first, because they bring the libraries that a browser needs; they are
root's to install. Else Playwright fetches its own build. Without the headless shell the tests take
longer and are the same, so a whole browser is enough where the shell cannot be had.
"""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.chromium import SHELL, TODO, find

INSTALL = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"]
APT = (["apt-get", "update", "--quiet"], [*INSTALL, SHELL])
PLAYWRIGHT = ([sys.executable, "-m", "playwright", "install", "chromium"],)


def main() -> None:
    """Install a browser if there is none; say what to do if that does not work."""
    is_root_of_debian = os.geteuid() == 0 and shutil.which("apt-get") is not None
    with sync_playwright() as playwright:
        is_there = find(playwright) is not None
    if is_there and (shutil.which(SHELL) is not None or not is_root_of_debian):
        return
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    ways = [APT, [INSTALL], PLAYWRIGHT] if is_root_of_debian else [PLAYWRIGHT]
    for commands in ways[:1] if is_there else ways:
        if all(
            subprocess.run(command, env=quiet, check=False).returncode == 0 for command in commands
        ):
            return
    if not is_there:
        raise SystemExit(TODO)


if __name__ == "__main__":
    main()
