"""Does the built wheel work where nothing else of this repository is? `make release` runs this.

    python -m tests.release dist [SETTING=VALUE ...] [--dependencies-from-here]

The wheel in the folder is installed into a new environment, with the versions of constraints.txt.
From there, in an empty folder: the version, the demo on the embedded model (with these overrides,
which can make it short), and what a page says of the missing extra. Then, with the extra `web`: the
labeling page of the demo's run, and the ten-line programs of docs/how-to/use-from-python.md.
`--dependencies-from-here` takes the packages that the wheel needs from this environment: no network
is needed, and what `pyproject.toml` forgets to name is not found; nor is the extra missing then.
"""

import json
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
from tests.e2e.labelers import Labeler, eventually
from tests.unit.test_how_to_scorers import blocks

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
        if not from_here:
            check_missing_page(command, work)
            pip(command, f"{wheels[0]}[web]")
        check_page(command, work)
        check_programs(command, work)
    print(f"{wheels[0].name} works.")


def install(wheel: Path, environment: Path, *, from_here: bool) -> Path:
    """Install a wheel into a new environment and return its `prefloop` command."""
    venv.create(environment, with_pip=True, symlinks=True)
    command = environment / "bin" / "prefloop"
    if from_here:
        # Folders that a .pth file names are searched; .pth files inside them, such as the one that
        # makes this repository importable, are not read.
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = environment / "lib" / version / "site-packages"
        here = next(path for path in sys.path if path.endswith("site-packages"))
        (packages / "dependencies.pth").write_text(f"{here}\n")
        pip(command, "--no-deps", str(wheel))
    else:
        pip(command, "torch")
        pip(command, str(wheel))
    return command


def pip(command: Path, *arguments: str) -> None:
    """Install into the environment of a `prefloop` command, in the versions that were tested."""
    install = [str(command.with_name("python")), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "-c", str(CONSTRAINTS), *arguments], check=True)


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


def check_missing_page(command: Path, work: Path) -> None:
    """Ask for a page without the extra, which must be answered with what to install."""
    told = subprocess.run(
        [command, "serve", work / "demo"], env=clean_environment(), capture_output=True, text=True
    )
    if told.returncode != 2 or "pip install 'prefloop[web]'" not in told.stderr:
        sys.exit(f"serve without the extra left with {told.returncode}:\n{told.stderr}")
    print(told.stderr.strip())


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


def check_programs(command: Path, work: Path) -> None:
    """Run the ten-line programs as printed; somebody answers the questions of the third."""
    rows = [
        {"prompt": f"Day {day}: it was", "chosen": " bright.", "rejected": " grey."}
        for day in range(60)
    ]
    (work / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ppo, reward_model, page, *_ = blocks("use-from-python.md", "python")
    for name, code in (("PPO", ppo), ("reward model", reward_model), ("page", page)):
        started = subprocess.Popen(
            [command.with_name("python"), "-c", code],
            cwd=work,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if name == "page":
            answer(work / "my-labels")
        _, err = started.communicate()
        if started.returncode:
            sys.exit(f"the {name} program left with {started.returncode}:\n{err}")
        print(f"The {name} program of the page on Python ran as printed.")


def answer(folder: Path) -> None:
    """Answer the questions of a page, once it is served, until all are answered."""
    lock = folder / "serve.lock"
    eventually("the page is served", lambda: lock.is_file() and lock.read_text())
    labeler = Labeler(folder, "ann", at_most=2)
    labeler.start()
    labeler.join(SECONDS)
    labeler.stop()


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
