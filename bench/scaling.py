"""What a run costs: a model of few constants, fitted to short runs, checked against another one.

    make bench-scaling                                  # some six minutes on two cores, alone
    PYTHONPATH=. python bench/scaling.py --steps 1     # a quick try: its numbers mean little

Five small GPT-2 with random weights are tuned for a few updates each, with full copies and with
adapters (`scaling_runs.py`). Seconds per operation of drawing, reading and training, and seconds
per call of a layer, are fitted to their stages (`scaling_model.py`). A sixth run, larger than each
of them, was not fitted to: measured and predicted stand side by side. Then 32 labelers answer at
one server process, over SQLite and over PostgreSQL (`scaling_labels.py`). It writes
bench/results/scaling.{json,md}; `make docs` takes the figures of docs/scaling.md from there.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from scaling_labels import measure_labeling
from scaling_model import STAGES, CostModel, fit, plain, stage_seconds
from scaling_runs import FITTED, HELD_BACK, Measured, measure
from workload import matmul_gflops

from docs.scaling_tables import measured_tables

RESULTS = Path(__file__).parent / "results" / "scaling.json"


def main() -> None:
    """Measure, fit, check, write and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="of each stage, after one to warm up")
    parser.add_argument("--labeling", type=float, default=20.0, help="seconds at each store")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    began = time.monotonic()
    torch.set_num_threads(options.threads)
    rates = [matmul_gflops()]
    with tempfile.TemporaryDirectory() as name:
        runs = []
        for shape in (*FITTED, HELD_BACK):
            runs.append(measure(shape, Path(name), threads=options.threads, steps=options.steps))
            print(f"{shape.name}: {runs[-1].run_seconds:.0f} s", flush=True)
    rates.append(matmul_gflops())
    model = fit(runs[:-1], steps=options.steps)
    labeling = measure_labeling(options.labeling)
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}",
        "threads": options.threads,
        "steps": options.steps,
        "matmul_gflops": max(rates),
        "seconds": time.monotonic() - began,
        "model": plain(model),
        "runs": [_row(run, model, options.steps, run.shape is HELD_BACK) for run in runs],
        "labeling": labeling,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(measured_tables(result))
    print(measured_tables(result))


def _row(run: Measured, model: CostModel, steps: int, is_held_back: bool) -> dict[str, Any]:
    pairs = zip(STAGES, stage_seconds(run), model.predicted(run.shape, steps=steps), strict=True)
    return {
        **run.plain(),
        "parameters": run.shape.model.parameters,
        "is_held_back": is_held_back,
        "stages": {name: {"measured": a, "predicted": b} for name, a, b in pairs},
        "predicted_peak_bytes": model.peak_bytes(run.shape),
    }


if __name__ == "__main__":
    main()
