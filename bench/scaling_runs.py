"""Short runs of small models with random weights, and what their own records say they took.

A run is `prefloop policy` in a process of its own: samples, labels of a synthetic labeler, reward
model, policy. The seconds of an update come from `costs.jsonl`; those of a batch of samples are the
time between two `samples_stored` events of the store's ledger.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
import yaml
from ppo_beside_trl import write_model
from workload import Workload as PPOWorkload

from prefloop.figures.cost import COSTS, UpdateCostFigures
from prefloop.files import read_json_lines
from prefloop.functional.model_cost import TransformerShape
from prefloop.store.core.tables import metadata
from prefloop.store.store import Store

VOCABULARY = 4096
PROMPTS = 320
PER_PROMPT = 4
SAMPLE_BATCH, REWARD_BATCH, POLICY_BATCH, MICROBATCH = 64, 16, 32, 16


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A run: its model, its texts, and how much of it is trained."""

    name: str
    layers: int
    width: int
    query: int
    response: int
    adapter: Literal["none", "lora"]
    top_layers: int | None = None
    epochs: int = 2

    @property
    def model(self) -> TransformerShape:
        """The model's shape, for the count."""
        return TransformerShape(
            layers=self.layers,
            width=self.width,
            inner=4 * self.width,
            heads=self.width // 64,
            kv_heads=self.width // 64,
            vocabulary=VOCABULARY,
            positions=256,
        )


FITTED = (
    Shape(name="A", layers=4, width=128, query=16, response=16, adapter="none"),
    Shape(name="B", layers=6, width=256, query=32, response=16, adapter="none"),
    Shape(name="C", layers=8, width=256, query=24, response=24, adapter="lora", epochs=1),
    Shape(name="D", layers=6, width=384, query=16, response=24, adapter="lora", top_layers=2),
    Shape(name="E", layers=4, width=384, query=48, response=32, adapter="none"),
)
HELD_BACK = Shape(name="F", layers=8, width=512, query=40, response=24, adapter="none")
"""Larger than each of those that the model is fitted to, and with other texts."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the records of one run say."""

    shape: Shape
    sample_batch_seconds: float
    """Of a whole batch of samples; the median, without the first."""
    reward_step_seconds: float
    policy_update_seconds: float
    peak_bytes: int
    rows: dict[str, int]
    """Rows of each table that has any."""
    bytes_in_store: int
    run_seconds: float
    load_before: float

    def plain(self) -> dict[str, Any]:
        """Return it for the file of results."""
        return asdict(self)


def measure(shape: Shape, folder: Path, *, threads: int, steps: int) -> Measured:
    """Make a run of this shape in `folder` and return what it recorded."""
    run = folder / f"run-{shape.name}"
    _prepare(shape, folder, run, threads=threads, steps=steps)
    load, began = os.getloadavg()[0], time.monotonic()
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "prefloop", "policy", str(run)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        raise SystemExit(f"The run {shape.name} failed:\n{said}")
    seconds = time.monotonic() - began
    lines = read_json_lines(run / COSTS)
    costs = [UpdateCostFigures.model_validate(line) for line in lines]
    with Store.open(run / "prefloop.db", read_only=True) as store:
        stored = store.events_of_kind("samples_stored")
        rows = row_counts(store)
    moments = [datetime.fromisoformat(event.created_at) for event in stored]
    batches = [(b - a).total_seconds() for a, b in pairwise(moments)]
    return Measured(
        shape=shape,
        sample_batch_seconds=statistics.median(batches[:steps]),
        reward_step_seconds=_median(costs, "rewards"),
        policy_update_seconds=_median(costs, "policy"),
        peak_bytes=max(cost.peak_memory_bytes for cost in costs),
        rows=rows,
        bytes_in_store=(run / "prefloop.db").stat().st_size,
        run_seconds=seconds,
        load_before=load,
    )


def row_counts(store: Store) -> dict[str, int]:
    """Return the rows of each table that has any."""
    with store._database.reading() as connection:
        counted = {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }
    return {name: n for name, n in counted.items() if n}


def _median(costs: Sequence[UpdateCostFigures], stage: str) -> float:
    """Return the median over the updates of a stage but the first, which warms up."""
    return statistics.median([cost.seconds for cost in costs if cost.stage == stage][1:])


def _prepare(shape: Shape, folder: Path, run: Path, *, threads: int, steps: int) -> None:
    model = folder / f"model-{shape.name}"
    sizes = {"n_layer": shape.layers, "n_embd": shape.width, "n_head": shape.width // 64}
    write_model(model, sizes | {"vocab_size": VOCABULARY, "n_positions": 256}, PPOWorkload())
    run.mkdir(parents=True)
    luck = random.Random(shape.name)
    with (run / "prompts.jsonl").open("w") as file:
        for _ in range(PROMPTS):
            words = [f"w{luck.randrange(VOCABULARY - 2)}" for _ in range(shape.query)]
            file.write(json.dumps({"text": " ".join(words)}) + "\n")
    (run / "run.yaml").write_text(yaml.safe_dump(run_file(shape, model, threads, steps)))


def run_file(shape: Shape, model: Path, threads: int, steps: int) -> dict[str, Any]:
    """Return the settings of a run: `steps` measured batches, steps and updates after a first."""
    return {
        "seed": 1,
        "rounds": 1,
        "task": {
            "name": "custom",
            "query_tokens_min": shape.query,
            "query_tokens_max": shape.query,
            "response_tokens": shape.response,
            "temperature": 1.0,
            "stop": None,
        },
        "models": {
            "name": str(model),
            "adapter": shape.adapter,
            "lora_top_layers": shape.top_layers,
            "threads": threads,
        },
        "prompts": {"source": "prompts.jsonl"},
        "samples": {"per_prompt": PER_PROMPT, "batch_size": SAMPLE_BATCH},
        "comparisons": {
            "labels": REWARD_BATCH * (steps + 1),
            "validation_labels": 0,
            "synthetic": {"scorers": {"length": 1.0}},
        },
        "rewards": {
            "batch_size": REWARD_BATCH,
            "microbatch_size": MICROBATCH,
            "normalize_samples": SAMPLE_BATCH,
            "lr": 1e-5,
        },
        "policy": {
            "episodes": POLICY_BATCH * (steps + 1),
            "batch_size": POLICY_BATCH,
            "minibatches": 1,
            "microbatch_size": MICROBATCH,
            "epochs": shape.epochs,
            "lr": 1e-6,
        },
        "evaluation": {"judges": [], "frontier_prompts": 0},
        "audits": {"start_checks": False},
    }
