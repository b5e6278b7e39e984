"""How long a start takes: `import prefloop`, `prefloop --help`, and a mistake in a run file.

    python bench/startup.py

Each command runs in a process of its own, in turns, after one run that fills the caches. The target
for the first two is 0.3 s.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAVY = ("torch", "transformers", "peft")


def commands(folder: Path) -> dict[str, list[str]]:
    """Return what is timed, by the name that the table gives it."""
    prefloop = [sys.executable, "-m", "prefloop"]
    return {
        "an empty Python": [sys.executable, "-c", ""],
        "import prefloop": [sys.executable, "-c", "import prefloop"],
        "prefloop --help": [*prefloop, "--help"],
        "prefloop run, refused": [*prefloop, "run", str(folder)],
    }


def seconds_of(command: list[str]) -> float:
    """Return how long the command takes."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def imported(command: list[str]) -> list[str]:
    """Return which heavy packages the command imports."""
    report = subprocess.run(
        [command[0], "-X", "importtime", *command[1:]], capture_output=True, text=True, check=False
    ).stderr
    names = {line.rsplit("|", 1)[-1].strip() for line in report.splitlines()}
    return [name for name in HEAVY if name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=15)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "run.yaml").write_text("polcy: {}\n")
        timed = commands(Path(name))
        for command in timed.values():
            seconds_of(command)
        found = [{what: seconds_of(c) for what, c in timed.items()} for _ in range(turns)]
        heavy = {what: imported(command) for what, command in timed.items()}
    print("| command | median, s | largest, s | imports |\n| --- | --- | --- | --- |")
    for what in timed:
        took = [turn[what] for turn in found]
        packages = ", ".join(heavy[what]) or "no torch"
        print(f"| {what} | {statistics.median(took):.3f} | {max(took):.3f} | {packages} |")


if __name__ == "__main__":
    main()
