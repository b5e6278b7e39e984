"""PPO of two commits on the same run file: does it compute the same numbers, to the last bit?

    python bench/ppo_bits.py BEFORE AFTER

Each commit is checked out into a work tree of its own, and `prefloop policy` runs there on one
thread, once with adapters in the topmost layer and once in all layers. Compared are every line of
metrics.jsonl and a hash of the tensors that were written. The run file and the command line alone
are used, so any two commits can be compared. Differences are printed, and the exit code is then 1.

The last bit depends on the machine and on torch: figures of two machines may differ. `--curves DIR`
also writes the lines of AFTER for tests/golden/curves, which are compared within a tolerance.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ppo_before_and_after import HERE, checked_out

RENAMED = {
    "policy/way_back": "policy/kl_cap_weight",
    "policy/kl_gained": "policy/kl_increase",
}
"""Names of metrics until version 0.1 -> their names now. They belong to the cap on the KL, which is
off here: where a commit has neither name of a pair, nothing is compared."""

SETTINGS: dict[str, Any] = {
    "seed": 11,
    "task": {
        "name": "sentiment",
        "query_tokens_min": 8,
        "query_tokens_max": 16,
        "response_tokens": 10,
        "temperature": 0.7,
    },
    "models": {"name": "builtin:tiny", "lora_rank": 4, "lora_alpha": 16, "threads": 1},
    "prompts": {"limit": 200},
    "samples": {"batch_size": 32},
    "comparisons": {"labels": 16, "validation_labels": 0},
    "rewards": {
        "batch_size": 8,
        "lr": 1e-3,
        "adam_eps": 1e-5,
        "start_std": 0.1,
        "normalize_samples": 16,
        "checkpoint_every": 0,
    },
    "policy": {
        "episodes": 24,
        "batch_size": 8,
        "minibatches": 2,
        "microbatch_size": 2,
        "epochs": 2,
        "lr": 3e-3,
        "adam_eps": 1e-5,
        "whiten_rewards": True,
        "clip_range_value": 0.2,
        "checkpoint_every": 0,
    },
}
"""What the runs have in common. A minibatch has two microbatches."""

RUNS: dict[str, dict[str, Any]] = {
    "top_layer": {
        "task": {"stop": None, "stop_min": 0},
        "models": {"lora_top_layers": 1},
        "policy": {
            "kl": {"control": "adaptive", "coef": 0.1, "target": 3.0, "horizon": 200, "cap": None}
        },
    },
    "all_layers": {
        "task": {"stop": ".", "stop_min": 4},
        "policy": {"kl": {"control": "fixed", "coef": 0.05, "cap": None}, "whiten_rewards": False},
    },
}
"""What sets the runs apart: adapters, controller, and whether responses end before their last token
(with a stop token some do, so that masks and penalties matter)."""


def settings_of(name: str) -> dict[str, Any]:
    """Return the run file of one run."""
    settings = dict(SETTINGS)
    for section, values in RUNS[name].items():
        settings[section] = settings.get(section, {}) | values
    return settings


def figures_of(tree: Path, place: Path) -> dict[str, Any]:
    """Train the policy of every run in one work tree; return metrics, and hashes of tensors."""
    found = {}
    for name in RUNS:
        run = place / name
        run.mkdir(parents=True)
        (run / "run.yaml").write_text(yaml.safe_dump(settings_of(name)), encoding="utf-8")
        environment = os.environ | {
            "PYTHONPATH": str(tree),
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "prefloop", "policy", str(run)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        folder = run / "policy" / "round-0"
        files = ("model.safetensors", "lora_weights.safetensors")
        found[name] = {
            "metrics": [json.loads(line) for line in lines],
            "tensors": {file: tensors_digest(folder / file) for file in files},
        }
    return found


def tensors_digest(path: Path) -> str:
    """Return one SHA-256 over names, types, shapes and bytes of a safetensors file's tensors."""
    content = path.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:size])
    digest = hashlib.sha256()
    for name in sorted(header.keys() - {"__metadata__"}):
        entry = header[name]
        start, end = entry["data_offsets"]
        digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
        digest.update(content[size + start : size + end])
    return digest.hexdigest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return where two commits differ; metrics that only the later one has do not count."""
    found = []
    for name in RUNS:
        was, now = before[name], after[name]
        found += [
            f"{name}: the tensors of {file} differ"
            for file, digest in was["tensors"].items()
            if now["tensors"][file] != digest
        ]
        if len(was["metrics"]) != len(now["metrics"]):
            found.append(f"{name}: {len(was['metrics'])} lines of metrics, {len(now['metrics'])}")
        for old, new in zip(was["metrics"], now["metrics"], strict=False):
            place = f"{name}, {old['stage']} update {old['update']}"
            found += [f"{place}: {problem}" for problem in line_differences(old, new)]
    return found


def line_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return where two lines of metrics differ, each metric under the name it has today."""
    was, now = renamed(before), renamed(after)
    return [
        f"{key} was {value!r} and is {now.get(key, 'missing')!r}"
        for key, value in was.items()
        if now.get(key) != value and not (key not in now and key in RENAMED.values())
    ]


def renamed(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of metrics with the names of today."""
    return {RENAMED.get(key, key): value for key, value in line.items()}


def write_curves(folder: Path, commit: str, figures: Mapping[str, Any]) -> None:
    """Write the lines of each run with its run file, for the test of the curves."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in figures.items():
        curve = {
            "source": f"bench/ppo_bits.py --curves, run on commit {commit}",
            "settings": settings_of(name),
            "metrics": [renamed(line) for line in found["metrics"]],
        }
        path = folder / f"ppo_{name}.json"
        path.write_text(json.dumps(curve, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", help="a commit")
    parser.add_argument("--curves", type=Path, help="write the lines of AFTER into this folder")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        checked_out(arguments.before, Path(name) / "before") as before,
        checked_out(arguments.after, Path(name) / "after") as after,
    ):
        place = Path(name) / "runs"
        was, now = figures_of(before, place / "before"), figures_of(after, place / "after")
    if arguments.curves:
        revision = ["git", "-C", str(HERE.parent), "rev-parse", "--short", arguments.after]
        commit = subprocess.run(revision, capture_output=True, text=True, check=True).stdout.strip()
        write_curves(arguments.curves, commit, now)
    problems = differences(was, now)
    print("\n".join(problems) or "equal to the last bit")
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
