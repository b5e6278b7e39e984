"""Installs a Chromium where there is none: `python -m tests.browser.install`.

The system's packages come first, because they bring the libraries that a browser needs; they are
root's to install. Else Playwright fetches its own build.
"""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.chromium import TODO, find

APT = (
    ["apt-get", "update", "--quiet"],
    ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"],
)
PLAYWRIGHT = ([sys.executable, "-m", "playwright", "install", "chromium"],)


def main() -> None:
    """Install a browser if there is none; say what to do if that does not work."""
    with sync_playwright() as playwright:
        if find(playwright) is not None:
            return
    is_root_of_debian = os.geteuid() == 0 and shutil.which("apt-get") is not None
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for commands in (APT, PLAYWRIGHT) if is_root_of_debian else (PLAYWRIGHT,):
        if all(
            subprocess.run(command, env=quiet, check=False).returncode == 0 for command in commands
        ):
            return
    raise SystemExit(TODO)


if __name__ == "__main__":
    main()
