"""Make the fixture "a finished run of the commit before the move".

    python -m tests.old_runs.make_old_run CHECKOUT OUT

CHECKOUT is a work tree of prefloop at commit a580ba4; OUT gets `old_run.tar.xz`, the run folder
packed by `archive.py`, and `expected.json`, what must still be found in it. The run takes seconds:
`builtin:tiny`, one round, adapters of rank 2 in the topmost layer, one thread.

Ids and times are new each time, so a second run gives another ledger and other hashes.
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.old_runs.archive import pack, unpack

COMMIT = "a580ba4"
BASE_WEIGHTS = "prefloop/models/builtin/tiny/model.safetensors"
LOCKS = ("run.lock", "prefloop.db.writer")

SETTINGS: dict[str, Any] = {
    "seed": 5,
    "rounds": 1,
    "task": {
        "name": "sentiment",
        "query_tokens_min": 8,
        "query_tokens_max": 24,
        "response_tokens": 12,
        "stop": None,
        "stop_min": 0,
    },
    "models": {
        "name": "builtin:tiny",
        "adapter": "lora",
        "lora_rank": 2,
        "lora_alpha": 16,
        "lora_top_layers": 1,
        "threads": 1,
    },
    "prompts": {"limit": 400},
    "samples": {"batch_size": 32},
    "comparisons": {"labels": 40, "validation_labels": 16},
    "rewards": {
        "batch_size": 8,
        "lr": 1e-3,
        "start_std": 0.1,
        "normalize_samples": 32,
        "checkpoint_every": 0,
    },
    "policy": {
        "episodes": 48,
        "batch_size": 8,
        "minibatches": 2,
        "epochs": 2,
        "lr": 2e-3,
        "checkpoint_every": 2,
        "kl": {"control": "adaptive", "coef": 0.1, "target": 6.0, "cap": None},
    },
    "evaluation": {
        "judge": "lexicon",
        "prompts": 24,
        "frontier_prompts": 4,
        "frontier_samples": 4,
    },
    "report": {"pairs": 6},
}


def main(checkout: Path, out: Path) -> None:
    """Make the run, look it over, pack it, and see that it comes out again as it was."""
    refuse_other_commit(checkout)
    out.mkdir(parents=True, exist_ok=True)
    base_weights = checkout / BASE_WEIGHTS
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "old_run"
        make_run(checkout, run)
        clean(run)
        refuse_paths(run, place, str(checkout))
        pack(run, out / "old_run.tar.xz", base_weights)
        unpack(out / "old_run.tar.xz", Path(place) / "again", base_weights)
        if hashes(run) != hashes(Path(place) / "again"):
            raise SystemExit("the unpacked run is not the one that was packed")
        expected = {"commit": COMMIT} | describe(run)
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (out / "expected.json").write_text(text + "\n", encoding="utf-8")


def refuse_other_commit(checkout: Path) -> None:
    """Stop unless the work tree is at COMMIT and its package is unchanged."""
    git = ["git", "-C", str(checkout)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    changes = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "prefloop"], check=False)
    if not head.stdout.startswith(COMMIT) or changes.returncode:
        raise SystemExit(f"{checkout} is not a clean work tree of {COMMIT}")


def make_run(checkout: Path, run: Path) -> None:
    """Run every stage, as a user would."""
    run.mkdir()
    (run / "run.yaml").write_text(yaml.safe_dump(SETTINGS, sort_keys=False), encoding="utf-8")
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "prefloop", "run", str(run), "--json"],
        cwd=checkout,
        env=os.environ | threads | {"PYTHONPATH": str(checkout)},
        check=True,
    )


def clean(run: Path) -> None:
    """Bring the store into its one file, and drop what only running processes need."""
    with sqlite3.connect(run / "prefloop.db") as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    for name in (*LOCKS, "prefloop.db-wal", "prefloop.db-shm"):
        (run / name).unlink(missing_ok=True)


def refuse_paths(run: Path, *places: str) -> None:
    """Stop if a file of the run names a place on this machine."""
    for file in run.rglob("*"):
        if file.is_file() and any(place.encode() in file.read_bytes() for place in places):
            raise SystemExit(f"{file} names a place on this machine")


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe(run: Path) -> dict[str, Any]:
    """Return what must still be found in the run, however it is read."""
    figures = json.loads((run / "evaluation/round-0.json").read_text(encoding="utf-8"))
    metrics = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return {
        "verdict": figures["verdict"],
        "win_rate": figures["win_rate"]["rate"],
        "kl": figures["kl"],
        **counts(run / "prefloop.db"),
        "metrics_lines": len(metrics),
        "policy_sha256": sha256(run / "policy/round-0/model.safetensors"),
        "rewards_sha256": sha256(run / "rewards/round-0/model.safetensors"),
        "names": sorted(path.name for path in run.iterdir()),
        "files": list(hashes(run)),
    }


def counts(database: Path) -> dict[str, Any]:
    """Return how many rows the store has of each kind, and where its ledger ends."""
    store = sqlite3.connect(database)
    tables = ("prompts", "samples", "comparisons", "labels", "verdicts", "events")
    found: dict[str, Any] = {
        table: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
    }
    (found["ledger_hash"],) = store.execute(
        "SELECT hash FROM events ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    (found["schema"],) = store.execute("SELECT * FROM prefloop_schema").fetchone()
    store.close()
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
