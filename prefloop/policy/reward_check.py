"""What a method learns from, beside the reward of the paper; and what the trainer would reward."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.reward_identity import (
    RewardWeights,
    expected_rewards,
    reward_gap,
    reward_weights,
)
from prefloop.models.generation import Generation
from prefloop.models.padding import pad_left
from prefloop.models.runtime import FULL_PRECISION, to_numpy
from prefloop.policy.methods.method import Method, TellsRewards
from prefloop.records import Prompt
from prefloop.samples.sampler import SampledBatch, Sampler


class RewardCheck(NamedTuple):
    """How far the method's rewards are from score - kl_coef * KL, and what they go by."""

    gap: float
    """The largest difference, over the largest reward or 1."""
    weights: RewardWeights | None
    """None where scores or KL hardly vary."""
    kl_coef: float
    n: int
    """Responses."""


def check_rewards(method: Method, rollout: Rollout, *, kl_coef: float) -> RewardCheck | None:
    """Return what the rewards of a rollout are beside those of the paper; None if not said."""
    if not isinstance(method, TellsRewards):
        return None
    found = to_numpy(method.response_rewards(rollout, kl_coef=kl_coef))
    expected, kl = expected_rewards(
        *(to_numpy(rollout.scores), to_numpy(rollout.logprobs), to_numpy(rollout.ref_logprobs)),
        to_numpy(rollout.mask),
        kl_coef=kl_coef,
    )
    weights = reward_weights(found, to_numpy(rollout.scores), kl)
    return RewardCheck(reward_gap(found, expected), weights, kl_coef, len(found))


def given_batch(
    sampler: Sampler, prompts: Sequence[Prompt], responses: Sequence[Sequence[int]]
) -> SampledBatch:
    """Return responses that are known already, as if the policy had drawn them.

    Each is cut to as many tokens as the policy may write.
    """
    device, pad_id = sampler.banned.device, sampler.tokenizer.pad_id
    query, query_mask = pad_left([sampler.query_ids(p) for p in prompts], pad_id, device)
    n_tokens = sampler.task.response_tokens
    response = query.new_full((len(responses), n_tokens), pad_id)
    for row, ids in enumerate(responses):
        kept = list(ids)[:n_tokens]
        response[row, : len(kept)] = query.new_tensor(kept)
    zeros = torch.zeros_like(response, dtype=FULL_PRECISION)
    generation = Generation(response=response, logprobs=zeros, values=None, prefix_states=None)
    return SampledBatch(query, query_mask, generation, sampler.stop_rule.apply(response))


def rollout_with_kl(
    sampler: Sampler, batch: SampledBatch, scores: Float[Tensor, " B"], kl: Float[Tensor, " B"]
) -> Rollout:
    """Return responses as a rollout in which each has a given KL, on its first token."""
    logprobs = torch.zeros_like(batch.generation.logprobs)
    logprobs[:, 0] = kl.to(logprobs)
    return Rollout(
        query=batch.query,
        query_mask=batch.query_mask,
        response=batch.generation.response,
        mask=sampler.loss_mask(batch.stop_mask),
        is_ended=batch.stop_mask.is_ended,
        logprobs=logprobs,
        ref_logprobs=torch.zeros_like(logprobs),
        values=None,
        scores=scores,
    )
