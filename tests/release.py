"""Does the built wheel work where nothing else of this repository is? `make release` runs this.

    python -m tests.release dist [SETTING=VALUE ...] [--dependencies-from-here]

The wheel in the folder is installed into a new environment, with the versions of constraints.txt.
From there, in an empty folder: the version, the demo on the embedded model (with these overrides,
which can make it short), and the labeling page of the demo's run.
`--dependencies-from-here` takes the packages that the wheel needs from this environment: no network
is needed, and what `pyproject.toml` forgets to name is not found.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path
from urllib.error import URLError

from tests.architecture.source import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
SECONDS = 60
"""How long a server may take to answer for the first time."""


def main() -> None:
    """Check the one wheel in the folder that is named; leave with 1 and a reason where it fails."""
    arguments = sys.argv[1:]
    from_here = "--dependencies-from-here" in arguments
    dist, *overrides = [given for given in arguments if not given.startswith("--")]
    wheels = sorted(Path(dist).resolve().glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"{dist} holds {len(wheels)} wheels, and one is checked: empty it, build again.")
    with tempfile.TemporaryDirectory() as place:
        command = install(wheels[0], Path(place) / "environment", from_here=from_here)
        work = Path(place) / "work"
        work.mkdir()
        check_version(command, wheels[0])
        check_demo(command, work, overrides)
        check_page(command, work)
    print(f"{wheels[0].name} works.")


def install(wheel: Path, environment: Path, *, from_here: bool) -> Path:
    """Install a wheel into a new environment and return its `prefloop` command."""
    venv.create(environment, with_pip=True, symlinks=True)
    python = str(environment / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "-c", str(CONSTRAINTS)]
    if from_here:
        # Folders that a .pth file names are searched; .pth files inside them, such as the one that
        # makes this repository importable, are not read.
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = environment / "lib" / version / "site-packages"
        here = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "dependencies.pth").write_text(f"{here}\n")
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    else:
        subprocess.run([*pip, "torch"], check=True)
        subprocess.run([*pip, str(wheel)], check=True)
    return environment / "bin" / "prefloop"


def check_version(command: Path, wheel: Path) -> None:
    """Refuse a command of another version than the wheel's name says."""
    told = run(command, "--version")
    if told.split()[-1] != wheel.name.split("-")[1]:
        sys.exit(f"{wheel.name} calls itself {told}")
    print(told)


def check_demo(command: Path, work: Path, overrides: list[str]) -> None:
    """Run the fast demo, which must end with a report."""
    began = time.perf_counter()
    print(run(command, "demo", "--fast", "--folder", work / "demo", *overrides))
    if not (work / "demo/report/index.html").is_file():
        sys.exit("the demo left no report")
    print(f"The demo took {time.perf_counter() - began:.0f} s.")


def check_page(command: Path, work: Path) -> None:
    """Serve the demo's run, which must answer with a page that has its style."""
    port = free_port()
    served = subprocess.Popen(
        [command, "serve", work / "demo", "--port", str(port)],
        cwd=work,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        page = fetch(f"http://127.0.0.1:{port}/")
        style = re.search(r'href="(/[^"]+\.css[^"]*)"', page)
        if style is None:
            sys.exit(f"the page has no style: {page[:200]}")
        fetch(f"http://127.0.0.1:{port}{style[1]}")
    finally:
        served.terminate()
        served.wait()
    print("The labeling page answers.")


def fetch(url: str) -> str:
    """Return what a server answers, once it does."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return str(answer.read().decode())
        except (URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def run(command: Path, *arguments: object) -> str:
    """Return what a command prints; it must end well."""
    done = subprocess.run(
        [command, *map(str, arguments)],
        cwd=command.parents[1],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{command.name} {arguments[0]} left with {done.returncode}:\n{done.stderr}")
    return done.stdout.strip()


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what leads Python to this repository."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    main()
