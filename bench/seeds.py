"""Run one run file over several seeds, and with variations of it: one row each.

    python bench/seeds.py prefloop/cli/runs/fast.yaml --name demo-fast --seeds 1 2 3
    python bench/seeds.py prefloop/cli/runs/fast.yaml --name after-stop \
        --vary samples.after_stop=ignore --vary samples.after_stop=train

It writes bench/results/<name>.{json,md}. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from prefloop.run_folder import read_run_folder

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Parse, run everything in turn, and write after each run what there is so far."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run_file", type=Path)
    parser.add_argument("--name", required=True, help="name of the result files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--vary", action="append", default=[], metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    RESULTS.mkdir(exist_ok=True)
    for seed in arguments.seeds:
        for change in arguments.vary or [""]:
            rows.append(run_once(arguments.run_file, seed, change))
            machine = f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}"
            content = {"machine": machine, "run_file": arguments.run_file.name, "rows": rows}
            path = RESULTS / f"{arguments.name}.json"
            path.write_text(json.dumps(content, indent=1) + "\n")
            path.with_suffix(".md").write_text(table(rows))
    print(table(rows))


def run_once(run_file: Path, seed: int, change: str) -> dict[str, Any]:
    """Run in a fresh folder and return the row."""
    folder = Path(tempfile.mkdtemp(prefix=f"{run_file.stem}-{seed}-"))
    shutil.copy(run_file, folder / "run.yaml")
    command = [sys.executable, "-m", "prefloop", "run", str(folder), f"seed={seed}"]
    began = time.monotonic()
    process = subprocess.Popen([*command, *([change] if change else [])])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"seed {seed} {change} failed; its folder is {folder}")
    found = read_run_folder(folder)
    assert found.latest is not None
    figures = found.latest.figures.model_dump()
    judged = figures["win_rates"][0]
    validation = found.trusts[-1].figures.model_dump()["validation"]
    shutil.rmtree(folder)
    return {
        "seed": seed,
        "change": change,
        "minutes": (time.monotonic() - began) / 60,
        "peak_memory_gb": usage.ru_maxrss / 1e6,
        "win_rate": judged["rate"],
        "policy_positive": judged["positive"]["value"],
        "reference_positive": judged["baseline_positive"]["value"],
        "kl": figures["kl"],
        "fluency": figures["fluency"],
        "reward_accuracy": validation["accuracy"],
        "reward_ceiling": validation["ceiling"],
        "verdict": figures["verdict"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| seed | change | win rate (95 % interval) | KL, nats | judged positive before, after "
        "| reward model: accuracy, ceiling | minutes | peak memory, GB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        win, ceiling = row["win_rate"], row["reward_ceiling"]
        lines.append(
            f"| {row['seed']} | {row['change'] or '-'} "
            f"| {win['value']:.1%} ({win['low']:.1%}-{win['high']:.1%}) | {row['kl']['value']:.1f} "
            f"| {row['reference_positive']:.0%}, {row['policy_positive']:.0%} "
            f"| {row['reward_accuracy']['value']:.1%}, {ceiling:.1%} "
            f"| {row['minutes']:.1f} | {row['peak_memory_gb']:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
