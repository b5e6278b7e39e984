"""Labeled pairs in the shape of a rollout, for methods that learn from comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.errors import InputError
from prefloop.models.runtime import FULL_PRECISION
from prefloop.policy.prompt_order import PromptOrder
from prefloop.policy.reward_check import given_batch
from prefloop.policy.reward_source import ScoredBatch
from prefloop.policy.rollout import RolloutCollector
from prefloop.records import Prompt
from prefloop.samples.sampler import Sampler


class LabeledPair(NamedTuple):
    """Two responses to a prompt as token ids, and how often each was preferred to the other."""

    prompt: Prompt
    responses: tuple[tuple[int, ...], tuple[int, ...]]
    votes: tuple[float, float]


class PairRows(NamedTuple):
    """Pairs as rows of a batch: the two responses of a pair are neighbors."""

    prompts: list[Prompt]
    responses: list[tuple[int, ...]]
    votes: Float[Tensor, " B"]


@dataclass
class PairBatches:
    """Gives each update its pairs: all of them in turn, in a new order, before any comes twice."""

    collector: RolloutCollector
    per_update: int
    """Pairs in an update."""

    def __post_init__(self) -> None:
        self._pairs: Sequence[LabeledPair] = ()
        self._order = PromptOrder(self.per_update)

    def learn_from(self, pairs: Sequence[LabeledPair]) -> None:
        """Take these pairs from here on; InputError if there are none."""
        if not pairs:
            raise InputError(
                "there is no labeled pair to learn from: all answers were skips or flags, their "
                "labelers are excluded, the texts have tokens that this run cannot sample, or none "
                "came. Collect more labels with `prefloop run`, import some, or choose another "
                "policy.method."
            )
        self._pairs = pairs

    def rows(self, pairs: Sequence[LabeledPair]) -> PairRows:
        """Return pairs as the loss gets them, row by row."""
        votes = [vote for pair in pairs for vote in pair.votes]
        device = self.collector.sampler.banned.device
        return PairRows(
            prompts=[pair.prompt for pair in pairs for _ in pair.responses],
            responses=[ids for pair in pairs for ids in pair.responses],
            votes=torch.tensor(votes, dtype=FULL_PRECISION, device=device),
        )

    @torch.no_grad()
    def of_update(self, update: int, seed: int) -> Rollout:
        """Return the pairs of an update with the reference's log-probabilities, and with votes.

        The two responses of a pair are neighbors. They were not drawn by the policy as it is now:
        `logprobs` are 0, and so are `scores`.
        """
        assert self._pairs, "labels are given before the policy learns from them"
        chosen = [self._pairs[i] for i in self._order.of_update(update, len(self._pairs), seed)]
        prompts, responses, votes = self.rows(chosen)
        batch = given_batch(self.collector.sampler, prompts, responses)
        zeros = batch.generation.logprobs.new_zeros(len(responses))
        rollout = self.collector.rollout_of(batch, ScoredBatch(zeros), is_drawn=False)
        # Behind the end of a text that somebody else wrote stands padding, with or without a stop.
        lengths = rollout.response.new_tensor([len(ids) for ids in responses])
        places = torch.arange(rollout.mask.shape[1], device=rollout.mask.device)
        return replace(rollout, mask=rollout.mask & (places < lengths[:, None]), votes=votes)


def can_be_learned(pair: LabeledPair, sampler: Sampler, context: int) -> bool:
    """Whether the policy could write both responses of a pair, and reads them whole."""
    ids = [i for response in pair.responses for i in response]
    n_tokens = len(sampler.query_ids(pair.prompt)) + sampler.task.response_tokens
    is_known = all(0 <= i < len(sampler.banned) for i in ids)
    return n_tokens <= context and is_known and not bool(sampler.banned[ids].any())
