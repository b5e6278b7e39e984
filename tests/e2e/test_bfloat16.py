"""Layers in bfloat16, from the first response to the report: a policy learns as much as in float32.

On a CPU this type saves memory at most; it is what an accelerator would compute in.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from prefloop.metrics import MetricsLog
from prefloop.policy.optimize import PolicyOptimizer, StepStats
from prefloop.run_folder import read_canaries
from tests.e2e.command import Command
from tests.e2e.known_reward import SETTINGS, make_known_reward
from tests.e2e.small_run import prompt_lines

LAST = 3
"""Updates whose mean score is what a policy has learned."""


def scores(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean score of each update, and the standard error of that mean."""
    lines = MetricsLog(run / "metrics.jsonl").lines()
    of = SETTINGS["policy"]["batch_size"]
    spread = [line["policy/score_sd"] / of**0.5 for line in lines]
    return np.array([line["policy/score"] for line in lines]), np.array(spread)


def own_lines(folder: Path) -> tuple[str, ...]:
    """Return what makes the lines of a file the prompts, as they are: cutting queries from the
    built-in prompts takes longer than a short training."""
    prompts = folder / "prompts.txt"
    prompts.write_text("\n".join(prompt_lines(160)))
    whole_lines = ("task.start_after=null", "task.end_at=null", "task.query_tokens_max=60")
    return (f"prompts.source={prompts}", "prompts.limit=null", *whole_lines)


def test_a_run_goes_through_the_whole_loop(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    model = {"name": str(gpt2_folder), "lora_top_layers": None}
    run = make_known_reward(tmp_path / "run", **model, dtype="bfloat16")
    few = ("policy.episodes=16", "policy.batch_size=16", "policy.epochs=1", *own_lines(tmp_path))
    prefloop.done("run", run, *few, "evaluation.prompts=8", "evaluation.frontier_prompts=0")
    made = json.loads((run / "policy/round-0/provenance.json").read_text())
    assert made["settings"]["models"]["dtype"] == "bfloat16"
    assert made["settings"]["models"]["device"] in ("cpu", "cuda", "mps")
    told = {result.name: result.status for result in read_canaries(run)}
    assert told["C6"] == "pass"
    saved = load_file(run / "policy/round-0/model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


@pytest.mark.slow
def test_a_policy_learns_in_bfloat16_as_well_as_in_float32(
    prefloop: Command, known_reward: Path, tmp_path: Path
) -> None:
    rounded = make_known_reward(tmp_path / "bfloat16", dtype="bfloat16")
    prefloop.done("policy", rounded)
    (before, error_before), (after, error_after) = scores(known_reward), scores(rounded)
    assert not np.array_equal(before, after), "the setting changes nothing"
    for found in (before, after):
        assert found[-LAST:].mean() > found[:LAST].mean() + 0.5
    error = np.sqrt((error_before[-LAST:] ** 2 + error_after[-LAST:] ** 2).sum()) / LAST
    assert abs(before[-LAST:].mean() - after[-LAST:].mean()) < 3 * error


def out_of_memory_in_step(number: int) -> Any:
    """Return a step of the policy's optimizer whose `number`-th finds no memory."""
    step = PolicyOptimizer.step

    def full(self: PolicyOptimizer, *args: Any, **kwargs: Any) -> StepStats:
        if self.n_steps == number:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, *args, **kwargs)

    return full


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_memory_that_runs_out_loses_nothing_and_the_run_goes_on_bit_for_bit(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, adapter: str
) -> None:
    small = ["policy.episodes=16", "policy.batch_size=8", "policy.checkpoint_every=1"]
    short = [*small, *own_lines(tmp_path), "task.response_tokens=4", "policy.lr=1e-3"]
    random = {"name": str(gpt2_folder), "lora_top_layers": None}
    models = {**random, "adapter": adapter, "dtype": "bfloat16"}
    whole, stopped = (make_known_reward(tmp_path / name, **models) for name in "ab")
    prefloop.done("policy", whole, *short)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PolicyOptimizer, "step", out_of_memory_in_step(5))
        told = prefloop.refused("policy", stopped, *short)
    assert "Choose a smaller policy.microbatch_size (4)" in told, "16 is more than a minibatch"
    prefloop.done("policy", stopped, *short)
    one, other = (load_file(x / "policy/round-0/model.safetensors") for x in (whole, stopped))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
