"""A few responses of every update, shown while the run is going on."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.kl import kl_k1, sequence_kl
from prefloop.records import Prompt
from prefloop.samples.sampler import Sampler

LOGGED_SAMPLES = 3
"""Responses logged with every update."""

LoggedSample = dict[str, str | float]
"""`prompt`, `response` and `score` of one response, and its `kl` where that is measured."""


def logged_samples(
    prompts: Sequence[Prompt], rollout: Rollout, sampler: Sampler, stream: np.random.Generator
) -> list[LoggedSample]:
    """Return some random responses with the score and the KL that the update learns from."""
    kls = _kls(rollout)
    return [
        {
            "prompt": prompts[i].text,
            "response": sampler.text_of(rollout.response[i].tolist()),
            "score": rollout.scores[i].item(),
            "kl": kls[i].item(),
        }
        for i in some_rows(prompts, stream)
    ]


def some_rows(prompts: Sequence[Prompt], stream: np.random.Generator) -> list[int]:
    """Return the rows of the responses that are logged; `prompts` has the prompt of each."""
    return list(map(int, stream.permutation(len(prompts))[:LOGGED_SAMPLES]))


def _kls(rollout: Rollout) -> Float[Tensor, " B"]:
    return sequence_kl(kl_k1(rollout.logprobs, rollout.ref_logprobs, rollout.mask))
