"""A rollout that several processes draw: each takes some prompts, with the numbers of one process.

A row's random numbers are those that it has where one process draws the whole, and queries are
padded to the whole batch's length. So the responses are the same, but for rounding. The
reward model reads each response where it was drawn; a scorer is asked by process 0.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch

from prefloop.batches import Rollout
from prefloop.models.generation import Generation, PartOfBatch
from prefloop.models.processes import Plain
from prefloop.policy.optimize import POLICY
from prefloop.policy.reward_source import ScoredBatch, finished, model_part
from prefloop.policy.rollout import RolloutCollector
from prefloop.records import Prompt
from prefloop.rewards.shared_gradient import REWARD_MODEL_WEIGHTS, model_state, take_model_state
from prefloop.samples.sampler import QueryBatch, SampledBatch

ROLLOUT = "rollout"
"""What other processes know this work by."""


@dataclass(frozen=True, kw_only=True)
class RolloutShare:
    """Prompts of one process, and what their responses depend on."""

    prompts: Sequence[Prompt]
    queries: QueryBatch
    part: PartOfBatch
    seed: int
    reference_samples: int
    """Responses of the reference to each prompt; 0: the policy draws, as many as the method asks
    for."""
    reward_state: Plain | None
    """What the reward model knows beside its weights; None where a scorer is the reward."""

    def plain(self) -> Plain:
        """Return the share as plain data, for another process."""
        prompts = [asdict(prompt) for prompt in self.prompts]
        own = {"queries": tuple(self.queries), "part": tuple(self.part), "prompts": prompts}
        return {**vars(self), **own}

    @classmethod
    def of(cls, plain: Plain) -> "RolloutShare":
        """Return the share that another process sent."""
        own = {"queries": QueryBatch(*plain["queries"]), "part": PartOfBatch(*plain["part"])}
        return cls(**{**plain, **own, "prompts": [Prompt(**p) for p in plain["prompts"]]})


def collect_in_shares(
    collector: RolloutCollector, prompts: Sequence[Prompt], *, seed: int, reference_samples: int = 0
) -> Rollout:
    """Return the rollout that `collector.collect` draws, each process drawing its prompts.

    With `reference_samples` it is of so many responses of the reference to each prompt.
    """
    processes, source = collector.processes, model_part(collector.reward)
    if not reference_samples:
        processes.send_weights(POLICY, collector.trained)
    if source is not None:
        weights = [parameter for _, parameter in source.model.named_parameters]
        processes.send_weights(REWARD_MODEL_WEIGHTS, weights, version=source.fingerprint)
    own, *others = _shares(collector, prompts, seed=seed, reference_samples=reference_samples)
    drawn, answers = processes.call(
        ROLLOUT, [share.plain() for share in others], lambda: draw_share(collector, own)
    )
    rollout = joined([drawn, *(Rollout(**answer) for answer in answers)])
    of_rows = _prompts_of_rows(collector, prompts, reference_samples)
    scored = _scored(collector, of_rows, rollout)
    return replace(rollout, scores=scored.scores, spread=scored.spread)


def _shares(
    collector: RolloutCollector, prompts: Sequence[Prompt], *, seed: int, reference_samples: int
) -> list[RolloutShare]:
    queries, source = collector.sampler.queries_of(prompts), model_part(collector.reward)
    return [
        RolloutShare(
            prompts=prompts[part],
            # Copies: what is sent of a view would be the whole.
            queries=QueryBatch(queries.ids[part].clone(), queries.mask[part].clone()),
            part=PartOfBatch(part.start, len(prompts)),
            seed=seed,
            reference_samples=reference_samples,
            reward_state=None if source is None else model_state(source.model),
        )
        for part in collector.processes.shares(len(prompts))
    ]


@torch.no_grad()
def draw_share(collector: RolloutCollector, share: RolloutShare) -> Rollout:
    """Return the rollout of some prompts; its scores are the reward model's alone, or 0."""
    n, roles = share.reference_samples, collector.roles
    batch = collector.sampler.draw(
        roles.reference if n else roles.policy,
        share.queries,
        per_prompt=n or collector.samples_per_prompt,
        seed=share.seed,
        value_head=None if n else collector.value_head,
        part=share.part,
    )
    scored = ScoredBatch(batch.generation.logprobs.new_zeros(len(batch.query)))
    source = model_part(collector.reward)
    if share.reward_state is not None and source is not None:
        take_model_state(source.model, share.reward_state)
        scored = source.score(_prompts_of_rows(collector, share.prompts, n), batch)
    return collector.rollout_of(batch, scored, is_of_reference=n > 0)


def _prompts_of_rows(
    collector: RolloutCollector, prompts: Sequence[Prompt], reference_samples: int
) -> list[Prompt]:
    n = reference_samples or collector.samples_per_prompt
    return [prompt for prompt in prompts for _ in range(n)]


def _scored(
    collector: RolloutCollector, prompts: Sequence[Prompt], rollout: Rollout
) -> ScoredBatch:
    """Return the whole reward of responses that the reward model has scored already."""
    batch = SampledBatch(
        rollout.query,
        rollout.query_mask,
        Generation(
            response=rollout.response,
            logprobs=rollout.logprobs,
            values=rollout.values,
            prefix_states=rollout.prefix_states,
        ),
        collector.sampler.stop_rule.apply(rollout.response),
    )
    found = finished(collector.reward, prompts, batch, ScoredBatch(rollout.scores, rollout.spread))
    return collector.penalized(found, batch)


def joined(parts: Sequence[Rollout]) -> Rollout:
    """Return the rollouts of neighboring prompts as one.

    Where no response of a part has ended it has no `spread`, which is 0 there.
    """
    fields = {}
    for name in vars(parts[0]):
        values = [getattr(part, name) for part in parts]
        if any(value is not None for value in values):
            filled = [
                torch.zeros_like(part.scores) if value is None else value
                for part, value in zip(parts, values, strict=True)
            ]
            fields[name] = torch.cat(filled)
    return replace(parts[0], **fields)
