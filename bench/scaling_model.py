"""The cost model: operations by kind, and what a machine takes for one of each, fitted to runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scaling_runs import (
    MICROBATCH,
    PER_PROMPT,
    POLICY_BATCH,
    REWARD_BATCH,
    SAMPLE_BATCH,
    Measured,
    Shape,
    run_file,
)
from scipy.optimize import nnls

from prefloop.functional.model_cost import (
    activation_numbers,
    drawn_tokens,
    forward_operations,
    question_tokens,
    role_numbers,
)
from prefloop.run.plan_time import StageTokens, trained_share, workload_of
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

STAGES = ("a batch of samples", "a step of the reward model", "an update of the policy")
KINDS = ("drawing", "reading", "training", "a call of a layer")
"""What has a constant: seconds per operation, and seconds per pass of a batch through a layer."""
NUMBER_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Seconds of one operation of each kind, of one call of a layer, and what a process holds."""

    seconds: tuple[float, ...]
    """As `KINDS`."""
    base_bytes: float
    """Of Python, torch and all else that is there whatever the model."""

    def predicted(self, shape: Shape, *, steps: int) -> tuple[float, ...]:
        """Return the seconds of each of `STAGES`."""
        return tuple(float(np.dot(row, self.seconds)) for row in counts(shape, steps=steps))

    def peak_bytes(self, shape: Shape) -> float:
        """Return the most memory that a run of this shape holds."""
        return self.base_bytes + counted_bytes(shape)


def fit(runs: Sequence[Measured], *, steps: int) -> CostModel:
    """Return the constants that make the sum of squared relative errors least; none is negative."""
    rows = np.concatenate([counts(run.shape, steps=steps) for run in runs])
    seen = np.concatenate([stage_seconds(run) for run in runs])
    found, _ = nnls(rows / seen[:, None], np.ones(len(seen)))
    # Peft's layers keep more than is counted: what is there at any size is read off full copies.
    full = [run for run in runs if run.shape.adapter == "none"]
    spare = [run.peak_bytes - counted_bytes(run.shape) for run in full]
    return CostModel(
        seconds=tuple(float(x) for x in found), base_bytes=float(np.median(np.array(spare)))
    )


def stage_seconds(run: Measured) -> tuple[float, ...]:
    """Return what was measured, as `STAGES`."""
    return run.sample_batch_seconds, run.reward_step_seconds, run.policy_update_seconds


def counts(shape: Shape, *, steps: int) -> np.ndarray:
    """Return how much of each of `KINDS` each of `STAGES` is; tokens are those of the plan."""
    config = settings_of(shape, steps=steps)
    work = workload_of(config, layers=shape.layers, judged=0)
    updates = steps + 1
    queries = SAMPLE_BATCH // PER_PROMPT
    drawn = queries * drawn_tokens(
        query=float(shape.query), response=float(shape.response), responses=PER_PROMPT
    )
    trained = trained_share(config, shape.layers)
    own_layers = shape.layers * trained
    rewards, policy = (_part(each, updates) for each in (work.rewards, work.policy))
    microbatches = POLICY_BATCH / MICROBATCH * shape.epochs
    # A step reads its questions through the frozen layers, each in a pass of its own.
    frozen = REWARD_BATCH * _question(shape) * (1.0 - trained)
    rewarded = StageTokens(scored=frozen, trained=rewards.trained)
    return np.array(
        [
            [
                *_operations(shape, StageTokens(drawn=drawn), SAMPLE_BATCH, trained),
                shape.layers * shape.response,
            ],
            [
                *_operations(shape, rewarded, 0, trained),
                3 * own_layers + REWARD_BATCH * (shape.layers - own_layers),
            ],
            [
                *_operations(shape, policy, POLICY_BATCH, trained),
                shape.layers * shape.response + own_layers * (2 + 3 * microbatches),
            ],
        ]
    )


def _part(work: StageTokens, n: int) -> StageTokens:
    return StageTokens(**{name: value / n for name, value in vars(work).items()})


def _operations(
    shape: Shape, tokens: StageTokens, responses: int, trained: float
) -> tuple[float, float, float]:
    """Return the operations of drawing, reading and training so many responses.

    The LM head is run on each of their tokens once in a draw, once where they are read, and as
    often as they are trained on; where `trained` of the layers are, tokens count for that share.
    """
    text = responses * (shape.query + shape.response) * trained
    head = float(responses * shape.response)

    def operations(n: float, heads: float) -> float:
        context = float(shape.query + shape.response)
        return forward_operations(shape.model, tokens=n, head_tokens=heads, context=context)

    return (
        operations(tokens.drawn, head),
        operations(tokens.read + tokens.scored, head if tokens.read else 0.0),
        operations(tokens.trained, head * tokens.trained / text if text else 0.0),
    )


def _question(shape: Shape) -> float:
    return question_tokens(
        query=float(shape.query), response=float(shape.response), responses=PER_PROMPT
    )


def counted_bytes(shape: Shape) -> float:
    """Return the bytes of weights, gradients and moments, and of a step's activations."""
    held = shape.model.parameters * role_numbers(adapter=shape.adapter)
    tokens = MICROBATCH * _question(shape)
    layers = shape.layers if shape.top_layers is None else shape.top_layers
    return float(NUMBER_BYTES * (held + tokens * layers * activation_numbers(shape.model)))


def settings_of(shape: Shape, *, steps: int) -> RunConfig:
    """Return the settings with which a run of this shape is made."""
    return parse_run(run_file(shape, Path("model"), 1, steps), "run.yaml")


def plain(model: CostModel) -> dict[str, Any]:
    """Return the constants for the file of results."""
    return {"seconds": dict(zip(KINDS, model.seconds, strict=True)), "base_bytes": model.base_bytes}
