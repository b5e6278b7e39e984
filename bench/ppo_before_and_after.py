"""PPO of two commits on the same run file: episodes per second and peak memory.

    python bench/ppo_before_and_after.py BEFORE AFTER

Each commit is checked out into a work tree of its own. `prefloop policy` then runs there, in turns
(A B A B ...), so that a busy spell of the machine meets both. The run file uses names that both
commits know, and the command line alone, so any two commits can be compared.

An update's time is from the moment at which the store was given the metrics of the update before it
to the moment at which it was given its own. The first updates are left out. Peak memory is that of
the whole process, labels and reward model included.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
WARM_UPS = 2
"""Updates that are left out of the median."""


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return a run whose time is nearly all PPO."""
    models: dict[str, Any] = {"name": arguments.model, "adapter": arguments.adapter}
    if arguments.top_layers:
        models["lora_top_layers"] = arguments.top_layers
    return {
        "seed": 1,
        "task": {"name": "sentiment", "stop": None, "stop_min": 0},
        "models": models | {"threads": arguments.threads},
        "prompts": {"limit": 2000},
        "comparisons": {"labels": 16, "validation_labels": 0},
        "rewards": {"normalize_samples": 64, "checkpoint_every": 0},
        "policy": {
            "episodes": (WARM_UPS + arguments.updates) * arguments.batch_size,
            "batch_size": arguments.batch_size,
            "microbatch_size": min(16, arguments.batch_size),
            "minibatches": 2,
            "epochs": 4,
            "checkpoint_every": 0,
        },
    }


@contextmanager
def checked_out(commit: str, place: Path) -> Iterator[Path]:
    """Give a work tree of the commit while the block runs."""
    git = ["git", "-C", str(HERE.parent), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(place), commit], check=True)
    try:
        yield place
    finally:
        subprocess.run([*git, "remove", "--force", str(place)], check=True)


def measure(side: str, tree: Path, run: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Train the policy of one run in one work tree, and return what it took."""
    run.mkdir()
    (run / "run.yaml").write_text(yaml.safe_dump(config))
    threads = str(config["models"]["threads"])
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "prefloop", "policy", str(run)]
    with (run / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{side} failed:\n{(run / 'printed.txt').read_text()[-4000:]}")
    seconds = update_seconds(run / "prefloop.db")[WARM_UPS:]
    return {
        "side": side,
        "episodes_per_second": config["policy"]["batch_size"] / statistics.median(seconds),
        "update_seconds": seconds,
        "peak_rss_mb": usage.ru_maxrss / 1024,
        "load_average": os.getloadavg()[0],
    }


def update_seconds(database: Path) -> list[float]:
    """Return the time between one update's metrics and the next one's."""
    store = sqlite3.connect(database)
    moments = [
        row[0]
        for row in store.execute(
            'SELECT created_at FROM updates WHERE stage = ? ORDER BY "update"', ("policy",)
        )
    ]
    store.close()
    return [end - start for start, end in pairwise(moments)]


def medians(runs: Sequence[dict[str, Any]], side: str) -> dict[str, float]:
    """Return the medians over the runs of one side."""
    keys = ("episodes_per_second", "peak_rss_mb")
    own = [run for run in runs if run["side"] == side]
    return {key: statistics.median(run[key] for run in own) for key in keys}


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run both commits in turns and return everything that was found."""
    config = settings(arguments)
    runs = []
    with (
        tempfile.TemporaryDirectory() as name,
        checked_out(arguments.before, Path(name) / "before") as before,
        checked_out(arguments.after, Path(name) / "after") as after,
    ):
        for turn in range(arguments.turns):
            for side, tree in (("before", before), ("after", after)):
                runs.append(measure(side, tree, Path(name) / f"{side}-{turn}", config))
                print(json.dumps(runs[-1] | {"update_seconds": None}), file=sys.stderr)
    sides = {side: medians(runs, side) for side in ("before", "after")}
    return {
        "commits": {"before": arguments.before, "after": arguments.after},
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "settings": config,
        "sides": sides,
        "ratios": {key: sides["after"][key] / sides["before"][key] for key in sides["before"]},
        "runs": runs,
    }


def markdown(result: dict[str, Any]) -> str:
    """Return the result as a table."""
    rows = [
        f"| {side} ({result['commits'][side][:12]}) | {found['episodes_per_second']:.2f} | "
        f"{found['peak_rss_mb']:.0f} |"
        for side, found in result["sides"].items()
    ]
    ratios = result["ratios"]
    models = result["settings"]["models"]
    return "\n".join(
        [
            f"PPO before and after, {models['name']}, adapter {models['adapter']} "
            f"({result['date']}, {result['machine']}, {models['threads']} threads, "
            f"{len(result['runs']) // 2} turns)",
            "",
            "| commit | episodes/s | peak memory, MB |",
            "| --- | --- | --- |",
            *rows,
            f"| after / before | {ratios['episodes_per_second']:.3f} | "
            f"{ratios['peak_rss_mb']:.3f} |",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", help="a commit")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--adapter", choices=["lora", "none"], default="lora")
    parser.add_argument("--top-layers", type=int, default=8, help="lora_top_layers; 0 is all")
    parser.add_argument("--turns", type=int, default=3, help="runs of each commit")
    parser.add_argument("--updates", type=int, default=4, help="measured updates in each run")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=HERE / "results")
    result = compare(arguments := parser.parse_args())
    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.out / "ppo_before_and_after"
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
