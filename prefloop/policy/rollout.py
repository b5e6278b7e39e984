"""Collecting a rollout: sample, score, and the reference's log-probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.rewards import penalize_unended
from prefloop.models.heads import ValueHead
from prefloop.models.processes import Processes
from prefloop.models.response_rows import responses_in_row
from prefloop.models.roles import ModelRoles, RoleModel
from prefloop.models.scoring import respond_forward
from prefloop.policy.reward_source import RewardSource, ScoredBatch
from prefloop.records import Prompt
from prefloop.samples.sampler import SampledBatch, Sampler


@dataclass(frozen=True, kw_only=True)
class RolloutCollector:
    """Draws responses from the policy, with everything that a method needs of them."""

    roles: ModelRoles
    sampler: Sampler
    reward: RewardSource
    value_head: ValueHead | None
    """None: no values are asked for."""
    samples_per_prompt: int
    microbatch_size: int
    """Responses in one pass of a step; in one of the reference, which keeps nothing for a gradient,
    there are twice as many."""
    processes: Processes = field(default_factory=Processes)
    """Those of the run; `policy/shared_rollout.py` draws with several."""

    @property
    def trained(self) -> list[torch.nn.Parameter]:
        """The weights that the policy's responses and values depend on, as they are trained."""
        head = [] if self.value_head is None else list(self.value_head.parameters())
        return [*(parameter for _, parameter in self.roles.policy.named_parameters), *head]

    @torch.no_grad()
    def collect(self, prompts: Sequence[Prompt], *, seed: int) -> Rollout:
        """Return `samples_per_prompt` responses to each prompt; each network runs once."""
        batch = self.sample(prompts, seed=seed)
        return self.rollout_of(batch, self.scores(self.prompts_of_rows(prompts), batch))

    @torch.no_grad()
    def sample(self, prompts: Sequence[Prompt], *, seed: int) -> SampledBatch:
        """Return `samples_per_prompt` responses to each prompt, not scored."""
        return self.sampler.sample(
            self.roles.policy,
            prompts,
            per_prompt=self.samples_per_prompt,
            seed=seed,
            value_head=self.value_head,
        )

    def scores(
        self, prompts: Sequence[Prompt], batch: SampledBatch, reward: RewardSource | None = None
    ) -> ScoredBatch:
        """Return what the reward, or another one, says of responses; `prompts` has one entry per
        response.

        A response without a stop token has the task's `missing_stop_score`.
        """
        return self.penalized(
            (self.reward if reward is None else reward).score(prompts, batch), batch
        )

    def penalized(self, scored: ScoredBatch, batch: SampledBatch) -> ScoredBatch:
        """Return scores with the task's `missing_stop_score` where there is no stop token."""
        scores = penalize_unended(
            scored.scores,
            batch.stop_mask.is_ended,
            penalty=self.sampler.task.missing_stop_score,
        )
        return scored._replace(scores=scores)

    @torch.no_grad()
    def rollout_of(
        self,
        batch: SampledBatch,
        scored: ScoredBatch,
        *,
        is_drawn: bool = True,
        is_of_reference: bool = False,
    ) -> Rollout:
        """Return what was sampled and scored, with the reference's log-probabilities.

        Where layers round, the policy reads the responses that it has drawn once more, as the
        reference and the steps do: the log-probabilities of sampling would be off by more than a
        step moves them. What the reference has drawn comes with its log-probabilities.
        """
        generation, policy = batch.generation, self.roles.policy
        is_off = is_drawn and not is_of_reference and policy.runtime.is_rounded
        logprobs = self._logprobs(policy, batch) if is_off else generation.logprobs
        return Rollout(
            query=batch.query,
            query_mask=batch.query_mask,
            response=generation.response,
            mask=self.sampler.loss_mask(batch.stop_mask),
            is_ended=batch.stop_mask.is_ended,
            logprobs=logprobs,
            ref_logprobs=logprobs
            if is_of_reference
            else self._logprobs(self.roles.reference, batch),
            values=generation.values,
            scores=scored.scores,
            spread=scored.spread,
            prefix_states=generation.prefix_states,
        )

    def prompts_of_rows(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Return the prompt of every response of a rollout."""
        return [prompt for prompt in prompts for _ in range(self.samples_per_prompt)]

    def _logprobs(self, role_model: RoleModel, batch: SampledBatch) -> Float[Tensor, "B T"]:
        """Return what a model says of responses that are known."""
        parts = []
        prefix_states = batch.generation.prefix_states
        loss_mask = self.sampler.loss_mask(batch.stop_mask)
        every = torch.arange(len(batch.query), device=batch.query.device)
        # As many in a row as in the steps: where layers round, others would give other numbers.
        n = responses_in_row(
            role_model,
            batch.query,
            batch.generation.response,
            per_query=self.samples_per_prompt,
            at_once=self.microbatch_size,
        )
        for rows in torch.split(every, 2 * self.microbatch_size // n * n):
            forward = respond_forward(
                role_model,
                batch.query[rows],
                batch.query_mask[rows],
                batch.generation.response[rows],
                temperature=self.sampler.task.temperature,
                banned=self.sampler.banned,
                prefix_states=None if prefix_states is None else prefix_states[rows],
                loss_mask=loss_mask[rows],
                n_shared=n,
            )
            parts.append(forward.logprobs)
        return torch.cat(parts)
