"""Does training work on the accelerator of this machine? Under 4 minutes, and no network.

    python bench/device_check.py [--device cuda] [--dtype bfloat16] [--json]

On the embedded model, `builtin:tiny`:

1. log-probabilities: the sampler's, a token at a time with a cache, beside the trainer's, all at
   once; and those of the device beside those of this machine's CPU in float32
2. the loop: a run with synthetic labels, a reward model, updates of the policy and a verdict
3. resume: another run, killed between two updates, goes on and ends with the same metrics

What it prints is measured here. It leaves with 1 where something is off.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from prefloop.errors import PrefloopError
from prefloop.metrics import MetricsLog
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import Runtime, device_name, product_rate, start_runtime, to_numpy
from prefloop.models.scoring import respond_forward
from prefloop.models.sources import resolve
from prefloop.progress import Silent
from prefloop.records import Prompt
from prefloop.run.assemble import read_prompts
from prefloop.run.kept_settings import with_method_options
from prefloop.run.loop import run
from prefloop.run_file import load_run_file, parse_run
from prefloop.run_folder import read_canaries, read_run_folder
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.samples.stop_rule import StopMask
from prefloop.settings.run import RunConfig

SETTINGS: dict[str, Any] = {
    "seed": 1,
    "task": {
        "name": "sentiment",
        "query_tokens_min": 8,
        "query_tokens_max": 24,
        "response_tokens": 16,
        "stop": None,
        "stop_min": 0,
    },
    "models": {"name": "builtin:tiny", "lora_rank": 8},
    "prompts": {"limit": 500},
    "comparisons": {"labels": 96, "validation_labels": 24, "synthetic": {"disagreement": 0.1}},
    "rewards": {"normalize_samples": 64, "lr": 1e-3},
    "policy": {
        "episodes": 192,
        "batch_size": 32,
        "minibatches": 2,
        "lr": 3e-3,
        "checkpoint_every": 1,
        "kl": {"control": "fixed", "coef": 0.05},
    },
    "evaluation": {"prompts": 32, "frontier_prompts": 0},
    "audits": {"canaries_off": ["C4", "C9"]},
}
"""Few labels: the canaries that ask a reward model about them are left to real runs."""

NATS_PER_TOKEN = {"float32": 1e-3, "bfloat16": 0.1}
"""How far two ways to the same log-probability may be apart in the mean; seen: 1e-6 and 5e-3."""

RESUMED_TO = 0.05
"""How far a metric of a resumed run may be off. A CPU with one thread repeats it bit for bit; sums
of an accelerator may be made in another order each time."""


class Killed(Exception):
    """What ends the run that is to be resumed, between two updates."""


class KilledAfter(Silent):
    """Progress that ends the process's work after some updates of the policy."""

    def __init__(self, updates: int) -> None:
        self.updates = updates

    def count(self, name: str, done: int, total: int, detail: str = "") -> None:
        if "policy" in name and done >= self.updates:
            raise Killed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    arguments.add_argument("--dtype", default="auto", help="auto, float32 or bfloat16")
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    given = arguments.parse_args()
    SETTINGS["models"] |= {"device": given.device, "dtype": given.dtype}
    try:
        found, problems = check()
    except PrefloopError as error:
        sys.exit(f"{error}")
    found["problems"] = problems
    if given.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:34} {value}" for name, value in found.items()))
    sys.exit(1 if problems else 0)


def check() -> tuple[dict[str, Any], list[str]]:
    """Return what was measured, and what is off."""
    began = time.perf_counter()
    config = parse_run(SETTINGS, "device_check")
    runtime = start_runtime(config.models)
    named = runtime.as_settings()
    found: dict[str, Any] = {
        "device": device_name(runtime.device),
        "dtype": named["dtype"],
        "torch": torch.__version__,
        "CPU threads": torch.get_num_threads(),
        "GFLOP/s of a matrix product": round(product_rate(runtime, size=2048) / 1e9),
    }
    if runtime.device.type == "cpu":
        found["note"] = "no accelerator is used: what follows is about the CPU"
    found |= compare_log_probabilities(config, runtime)
    with tempfile.TemporaryDirectory() as place:
        whole = timed(Path(place) / "whole", found)
        resumed = resume(Path(place) / "resumed")
    found["largest difference after resume"] = difference(whole, resumed)
    found["seconds in all"] = round(time.perf_counter() - began, 1)
    return found, list(problems_of(found))


def compare_log_probabilities(config: RunConfig, runtime: Runtime) -> dict[str, float]:
    """Return how far sampler and trainer are apart, and the device and the CPU."""
    exact = config.models.model_copy(update={"device": "cpu", "dtype": "float32"})
    roles, sampler = load(config, runtime)
    prompts = held_out(config)
    batch = sampler.sample(roles.policy, prompts, per_prompt=1, seed=1)
    drawn, trained = to_numpy(batch.generation.logprobs), logprobs(roles, sampler, batch)
    counts = to_numpy(sampler.loss_mask(batch.stop_mask))
    cpu = start_runtime(exact)
    here = logprobs(*load(config, cpu), moved(batch, cpu))
    return {
        "sampler - trainer, nats per token": float(np.abs(drawn - trained)[counts].mean()),
        "sampler - trainer, largest": float(np.abs(drawn - trained)[counts].max()),
        "device - CPU float32, nats a token": float(np.abs(here - trained)[counts].mean()),
    }


def load(config: RunConfig, runtime: Runtime) -> tuple[ModelRoles, Sampler]:
    """Return the embedded model in its roles, and what draws from it."""
    base = resolve(config.models.name)
    tokenizer = load_tokenizer(base)
    causal = load_causal(base, tokenizer, runtime)
    roles = ModelRoles(causal, config.models, seed=1, products=runtime.products)
    vocabulary, device = roles.policy.vocabulary, roles.policy.runtime.device
    sampler = Sampler(tokenizer, config.task, config.samples, vocabulary=vocabulary, device=device)
    return roles, sampler


def held_out(config: RunConfig) -> list[Prompt]:
    """Return some prompts that nothing trains on."""
    _, selection = read_prompts(config, resolve(config.models.name))
    return [prompt for prompt in selection.prompts if prompt.split == "held_out"][:32]


@torch.no_grad()
def logprobs(roles: ModelRoles, sampler: Sampler, batch: SampledBatch) -> np.ndarray:
    """Return the log-probability of each token of known responses."""
    forward = respond_forward(
        roles.policy,
        batch.query,
        batch.query_mask,
        batch.generation.response,
        temperature=sampler.task.temperature,
        banned=sampler.banned,
        loss_mask=sampler.loss_mask(batch.stop_mask),
    )
    return to_numpy(forward.logprobs)


def moved(batch: SampledBatch, runtime: Runtime) -> SampledBatch:
    """Return the same responses on another device."""
    generation = replace(batch.generation, response=batch.generation.response.to(runtime.device))
    mask, is_ended = (part.to(runtime.device) for part in batch.stop_mask)
    query, query_mask = batch.query.to(runtime.device), batch.query_mask.to(runtime.device)
    return SampledBatch(query, query_mask, generation, StopMask(mask, is_ended))


def timed(folder: Path, found: dict[str, Any]) -> list[dict[str, float]]:
    """Carry a run out, add what it showed, and return the metrics of its updates."""
    config, began = begin(folder), time.perf_counter()
    run(config, folder, Silent())
    found["seconds of the run"] = round(time.perf_counter() - began, 1)
    lines = updates_of(folder)
    found["score, first and last update"] = [round(lines[i]["policy/score"], 3) for i in (0, -1)]
    found["KL of the last update, nats"] = round(lines[-1]["policy/kl"], 3)
    canaries = {result.name: result.status for result in read_canaries(folder)}
    found["canaries"] = " ".join(f"{name}:{status}" for name, status in sorted(canaries.items()))
    evaluation = read_run_folder(folder).evaluations[-1].figures
    found["judge prefers the policy"] = round(evaluation.win_rates[0].rate.value, 3)
    return lines


def resume(folder: Path) -> list[dict[str, float]]:
    """Return the metrics of a run that was killed after its third update and went on."""
    config = begin(folder)
    with suppress(Killed):
        run(config, folder, KilledAfter(3), until="policy")
    if len(updates_of(folder)) != 3:
        sys.exit("the run that was to be killed after its third update was not")
    run(config, folder, Silent(), until="policy")
    return updates_of(folder)


def begin(folder: Path) -> RunConfig:
    """Make a run folder and return its settings."""
    folder.mkdir()
    (folder / "run.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return with_method_options(load_run_file(folder / "run.yaml", []))


def updates_of(folder: Path) -> list[dict[str, float]]:
    """Return the metrics of the policy's updates."""
    lines = MetricsLog(folder / "metrics.jsonl").lines()
    return [line for line in lines if line["stage"] == "policy"]


def difference(one: list[dict[str, float]], other: list[dict[str, float]]) -> float:
    """Return the largest difference of a metric in two runs; infinite where updates are missing."""
    if len(one) != len(other):
        return float("inf")
    named = [key for key in one[0] if key.startswith("policy/") and "seconds" not in key]
    return max(abs(a[key] - b[key]) for a, b in zip(one, other, strict=True) for key in named)


def problems_of(found: dict[str, Any]) -> Iterator[str]:
    """Yield what is not as it should be."""
    if found["sampler - trainer, nats per token"] > NATS_PER_TOKEN[found["dtype"]]:
        yield "sampler and trainer do not agree about log-probabilities"
    if found["device - CPU float32, nats a token"] > NATS_PER_TOKEN[found["dtype"]]:
        yield "the device does not compute what the CPU computes"
    if "fail" in found["canaries"]:
        yield "a canary failed"
    first, last = found["score, first and last update"]
    if not last > first:
        yield "the policy did not learn"
    if not found["largest difference after resume"] <= RESUMED_TO:
        yield "a resumed run is another one"


if __name__ == "__main__":
    main()
