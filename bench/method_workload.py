"""What both sides of a comparison of methods do: sizes, labels and layers. Needs torch only."""

import dataclasses
import os
import platform
import resource
from collections.abc import Sequence
from typing import Any, Literal

import torch
from turns import responses_per_second
from workload import Workload, queries

Job = Literal["rewards", "rloo", "a2po"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodWorkload(Workload):
    """The sizes of one job, which both sides share."""

    job: Job
    shown: int = 2
    """Responses in a comparison, whose labels `rewards` learns from."""
    samples_per_prompt: int = 2
    """Responses to a prompt in a batch of `rloo`."""
    value_samples: int = 8
    """Responses of the reference to a prompt, from which `a2po` estimates its value."""
    adapter: Literal["lora", "none"] = "none"
    lora_rank: int = 8
    lora_alpha: int = 16
    top_layers: int | None = None
    """Adapters on this many layers nearest the output; None: on all."""

    @property
    def trained(self) -> str:
        """What is trained, in words."""
        if self.adapter == "none":
            return "all weights"
        layers = "all" if self.top_layers is None else f"the top {self.top_layers}"
        return f"adapters on {layers} layers"

    @property
    def prompts_per_update(self) -> int:
        """Prompts of an update; of `rewards` each is that of one comparison."""
        return self.batch_size // {"rewards": self.shown, "rloo": self.samples_per_prompt}.get(
            self.job, 1
        )


def prompts(workload: MethodWorkload, vocabulary: int) -> list[list[int]]:
    """Return the queries of the whole run as token ids, the same on both sides."""
    return queries(workload, vocabulary, count=workload.rollouts * workload.prompts_per_update)


def comparisons(workload: MethodWorkload, vocabulary: int) -> list[list[list[int]]]:
    """Return the run's comparisons: for each its `shown` sequences, query + response, best first.

    The sequences of a comparison begin with the same query.
    """
    asked = prompts(workload, vocabulary)
    generator = torch.Generator().manual_seed(workload.seed + 1)
    shape = (len(asked), workload.shown, workload.response_tokens)
    answers: list[Any] = torch.randint(0, vocabulary - 2, shape, generator=generator).tolist()
    return [
        [query + answer for answer in group] for query, group in zip(asked, answers, strict=True)
    ]


def with_share(update_seconds: Sequence[float], *, prelude: float, planned: int) -> list[float]:
    """Return the seconds of each update with its share of what was done for all that were planned.

    TRL's A2PO draws the reference's responses to all prompts before its first update.
    """
    return [seconds + prelude / planned for seconds in update_seconds]


def measurement(
    side: str, workload: MethodWorkload, update_seconds: Sequence[float]
) -> dict[str, Any]:
    """Return what one side found; the warm-ups are left out of the median."""
    rate = responses_per_second(workload.batch_size, update_seconds, workload.warm_ups)
    return {
        "side": side,
        "responses_per_second": rate,
        "tokens_per_second": rate * (workload.query_tokens + workload.response_tokens),
        "warm_ups": workload.warm_ups,
        "update_seconds": list(update_seconds),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }
