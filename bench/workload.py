"""What both sides of a comparison do, and how both are measured. Needs torch only.

One update = 2019's: respond to a batch of queries, run reference, value and reward model once, then
`epochs` passes of PPO over the batch, one minibatch each.
"""

import dataclasses
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

FILE = "workload.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """The sizes that both sides share."""

    batch_size: int = 32
    microbatch_size: int = 32
    query_tokens: int = 32
    response_tokens: int = 24
    epochs: int = 4
    warm_ups: int = 2
    updates: int = 5
    threads: int = 2
    temperature: float = 0.7
    lr: float = 1e-5
    kl_coef: float = 0.15
    seed: int = 0
    flops: float = 0.0
    """Floating-point operations of one update, counted once for both sides by `useful_flops`."""

    @property
    def rollouts(self) -> int:
        """Updates that are made in one run."""
        return self.warm_ups + self.updates

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(dataclasses.asdict(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> "Workload":
        return cls(**json.loads((folder / FILE).read_text()))


def useful_flops(workload: Workload, *, trunk_parameters: int, head_parameters: int) -> float:
    """Count the multiplications and additions that 2019's recipe needs for one update.

    2 per parameter and token forward, 4 more backward (Kaplan et al. 2020, arXiv:2001.08361, 2.1).
    The value head shares the policy's trunk; the LM head runs on response positions only.
    """
    tokens = workload.batch_size * (workload.query_tokens + workload.response_tokens)
    answers = workload.batch_size * workload.response_tokens
    forward = 2 * (tokens * trunk_parameters + answers * head_parameters)
    reward_model = 2 * tokens * trunk_parameters
    return 2 * forward + reward_model + workload.epochs * 3 * forward


def queries(workload: Workload, vocabulary: int, *, count: int) -> list[list[int]]:
    """Return random token ids, the same on both sides; the last two ids are eos and padding."""
    generator = torch.Generator().manual_seed(workload.seed)
    shape = (count, workload.query_tokens)
    drawn: list[list[int]] = torch.randint(0, vocabulary - 2, shape, generator=generator).tolist()
    return drawn


def matmul_gflops(size: int = 1024, seconds: float = 1.0) -> float:
    """Return this machine's float32 matmul rate now: the best of as many as fit into `seconds`."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    end, best = time.perf_counter() + seconds, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def measurement(
    side: str, workload: Workload, update_seconds: Sequence[float], matmul: Sequence[float]
) -> dict[str, Any]:
    """Return what one run of one side found; the warm-ups are left out of the median."""
    measured = list(update_seconds)[workload.warm_ups :]
    median = statistics.median(measured)
    return {
        "side": side,
        "episodes_per_second": workload.batch_size / median,
        "update_seconds_median": median,
        "update_seconds": list(update_seconds),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "matmul_gflops": max(matmul),
        "matmul_share": workload.flops / median / 1e9 / max(matmul),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }


def report(found: dict[str, Any]) -> None:
    """Print a measurement as the last line, for the process that asked for it."""
    print("RESULT " + json.dumps(found), flush=True)
