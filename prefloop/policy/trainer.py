"""PPO: respond, score, shape, estimate, improve."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.advantages import explained_variance, gae
from prefloop.functional.kl import kl_cap_advantages, kl_k1, sequence_kl
from prefloop.functional.kl_control import adaptive_kl_coef, kl_cap_weight
from prefloop.functional.masking import masked_whiten
from prefloop.functional.rewards import penalize_unended, shape_rewards
from prefloop.functional.schedules import linear_decay
from prefloop.models.heads import ValueHead
from prefloop.models.optimizing import refuse_nan, set_adam
from prefloop.models.roles import ModelRoles
from prefloop.models.scoring import respond_forward
from prefloop.policy.improve import BatchSize, StepStats, improve_microbatch
from prefloop.policy.logged_samples import LoggedSample, logged_samples
from prefloop.policy.methods.ppo import PPOSettings
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.samples.sampler import SampledBatch, Sampler
from prefloop.seeding import derive_seed, numpy_stream
from prefloop.settings.policy import PolicyConfig


class Estimates(NamedTuple):
    """What PPO aims at, per token of a minibatch."""

    advantages: Float[Tensor, "B T"]
    returns: Float[Tensor, "B T"]


class PPOTrainer:
    """Improves the policy against a reward model, under a KL penalty to the reference."""

    def __init__(
        self,
        roles: ModelRoles,
        value_head: ValueHead,
        reward_model: RewardModel,
        sampler: Sampler,
        config: PolicyConfig,
        *,
        seed: int,
    ) -> None:
        self.roles = roles
        self.value_head = value_head
        self.reward_model = reward_model
        self.sampler = sampler
        self.config = config
        self.options = PPOSettings(**config.options)
        self.seed = seed
        self.kl_coef = config.kl.coef
        self.update = 0
        self.n_steps = 0
        self.logged_samples: list[LoggedSample] = []
        self.optimizer = torch.optim.Adam(
            [parameter for _, parameter in self.named_parameters],
            lr=config.lr,
            eps=config.adam_eps,
            fused=True,
        )

    @property
    def named_parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """All that is trained: the policy's weights and the value head's."""
        head = [(f"value_head.{name}", p) for name, p in self.value_head.named_parameters()]
        return [*self.roles.policy.named_parameters, *head]

    def step(self, prompts: Sequence[Prompt]) -> dict[str, float]:
        """Make one PPO update on one response to each prompt and return its metrics.

        1. respond: sample, with log-probabilities and values on the way
        2. score: reward model on the cut response, penalty where it did not end
        3. shape: KL penalty per token, score on the last
        4. estimate and improve: epochs x minibatches x microbatches; beyond `kl.cap` the way back
           to the reference has a weight in a step
        5. steer the KL coefficient
        """
        rollout = self.respond(prompts)
        kl = sequence_kl(kl_k1(rollout.logprobs, rollout.ref_logprobs, rollout.mask)).mean().item()
        refuse_nan(kl, "policy/kl", "lower policy.lr")
        advice = "delete the newest folder below rewards, lower rewards.lr"
        refuse_nan(rollout.scores.sum().item(), "policy/score", advice)
        metrics = self._describe(rollout, kl)
        metrics |= self.improve(rollout, kl)
        if self.config.kl.control == "adaptive":
            self.kl_coef = adaptive_kl_coef(
                self.kl_coef,
                kl,
                target=self.config.kl.target,
                horizon=self.config.kl.horizon,
                n_episodes=len(prompts),
            )
        stream = numpy_stream(self.seed, "excerpts", self.update)
        self.logged_samples = logged_samples(prompts, rollout, self.sampler, stream)
        self.update += 1
        return metrics

    def prompts_of(self, update: int, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Return the prompts of an update: every prompt once, reshuffled, before any twice."""
        chosen = []
        for place in range(update * self.config.batch_size, (update + 1) * self.config.batch_size):
            epoch, index = divmod(place, len(prompts))
            order = numpy_stream(self.seed, "prompt order", epoch).permutation(len(prompts))
            chosen.append(prompts[int(order[index])])
        return chosen

    @torch.no_grad()
    def respond(self, prompts: Sequence[Prompt]) -> Rollout:
        """Return responses with everything PPO needs, each network run once."""
        draw = self.sampler.sample(
            self.roles.policy,
            prompts,
            per_prompt=1,
            seed=derive_seed(self.seed, "rollout", self.update),
            value_head=self.value_head,
        )
        assert draw.generation.values is not None
        prefix_states = _prefix_states_of(draw)
        with self.reward_model.use_prefix_cache(prefix_states) if prefix_states else nullcontext():
            scores = self.score(prompts, draw.generation.response, draw.stop_mask.is_ended)
        return Rollout(
            query=draw.query,
            query_mask=draw.query_mask,
            response=draw.generation.response,
            mask=self.sampler.loss_mask(draw.stop_mask),
            is_ended=draw.stop_mask.is_ended,
            logprobs=draw.generation.logprobs,
            ref_logprobs=self._reference_logprobs(draw),
            values=draw.generation.values,
            scores=scores,
            prefix_states=draw.generation.prefix_states,
        )

    def score(
        self, prompts: Sequence[Prompt], response: Int[Tensor, "B T"], is_ended: Bool[Tensor, " B"]
    ) -> Float[Tensor, " B"]:
        """Return scores; a response without a stop token gets the penalty and is not read."""
        rows = [i for i in range(len(prompts)) if is_ended[i]]
        ids = response.tolist()
        sequences = [self.sampler.reward_ids(prompts[i].text, ids[i]) for i in rows]
        scores = torch.zeros(len(prompts))
        if rows:
            scores[rows] = self.reward_model.score(sequences)
        return penalize_unended(scores, is_ended, penalty=self.sampler.task.missing_stop_score)

    def improve(self, rollout: Rollout, kl: float) -> dict[str, float]:
        """Take `epochs` passes over the rollout, in a fresh order each, and return the metrics.

        `kl` is the rollout's, nats per response. What each step finds it has grown by is what the
        next one knows: it comes with the step, where asking first would be a pass of its own.
        """
        improvements, weights, gained = [], [], 0.0
        lr = self.config.lr * linear_decay(self.update, self.config.updates)
        for epoch in range(self.config.epochs):
            stream = numpy_stream(self.seed, "minibatches", self.update, epoch)
            order = torch.from_numpy(stream.permutation(self.config.batch_size))
            for rows in torch.split(order, self.config.minibatch_size):
                self.n_steps += 1
                eps = tensorflow_eps(self.n_steps, eps=self.config.adam_eps)
                set_adam(self.optimizer, lr=lr, eps=eps)
                part = select_rows(rollout, rows)
                weights.append(self.kl_cap_weight(kl + gained))
                improvements.append(self.improve_minibatch(part, kl_cap_weight=weights[-1]))
                gained = improvements[-1].kl_increase
        mean_weight = sum(weights) / len(weights)
        steps = {
            f"policy/{name}": value for name, value in vars(StepStats.mean(improvements)).items()
        }
        return steps | {"policy/kl_cap_weight": mean_weight, "policy/lr": lr}

    def kl_cap_weight(self, kl: float) -> float:
        """Return how much the way back weighs at this KL; nothing without a cap."""
        cap = self.config.kl.cap
        return 0.0 if cap is None else kl_cap_weight(kl, cap=cap)

    def improve_minibatch(self, rollout: Rollout, *, kl_cap_weight: float = 0.0) -> StepStats:
        """Take one optimizer step; microbatches only bound the memory."""
        estimates = self.estimate(rollout, kl_cap_weight=kl_cap_weight)
        size = BatchSize(len(rollout.scores), rollout.mask.sum())
        self.optimizer.zero_grad(set_to_none=True)
        parts = []
        for rows in torch.split(torch.arange(len(rollout.scores)), self.config.microbatch_size):
            part = improve_microbatch(
                self.roles.policy,
                self.value_head,
                select_rows(rollout, rows),
                estimates.advantages[rows],
                estimates.returns[rows],
                self.options,
                self.sampler,
                whole=size,
            )
            parts.append(part)
        whole = StepStats.total(parts)
        refuse_nan(whole.policy_loss + whole.value_loss, "the PPO loss", "lower policy.lr")
        self.optimizer.step()
        return whole

    def estimate(self, rollout: Rollout, *, kl_cap_weight: float = 0.0) -> Estimates:
        """Return whitened advantages, and returns that are not whitened.

        `kl_cap_weight` is the weight of the advantages that lead to the reference.
        """
        rewards, _ = shape_rewards(
            rollout.scores,
            rollout.logprobs,
            rollout.ref_logprobs,
            rollout.mask,
            kl_coef=self.kl_coef,
        )
        if self.options.whiten_rewards:
            rewards = masked_whiten(rewards, rollout.mask, center=False)
        advantages, returns = gae(
            rewards, rollout.values, rollout.mask, gamma=self.options.gamma, lam=self.options.lam
        )
        advantages = masked_whiten(advantages, rollout.mask, center=True)
        if kl_cap_weight:
            advantages = advantages + kl_cap_weight * kl_cap_advantages(
                rollout.logprobs, rollout.ref_logprobs, rollout.mask
            )
        return Estimates(advantages, returns)

    def _reference_logprobs(self, draw: SampledBatch) -> Float[Tensor, "B T"]:
        parts = []
        prefix_states, loss_mask = (
            draw.generation.prefix_states,
            self.sampler.loss_mask(draw.stop_mask),
        )
        for rows in torch.split(torch.arange(draw.query.shape[0]), 2 * self.config.microbatch_size):
            forward = respond_forward(
                self.roles.reference,
                draw.query[rows],
                draw.query_mask[rows],
                draw.generation.response[rows],
                temperature=self.sampler.task.temperature,
                banned=self.sampler.banned,
                prefix_states=None if prefix_states is None else prefix_states[rows],
                loss_mask=loss_mask[rows],
            )
            parts.append(forward.logprobs)
        return torch.cat(parts)

    def _describe(self, rollout: Rollout, kl: float) -> dict[str, float]:
        score = rollout.scores.mean().item()
        returns = self.estimate(rollout).returns
        explained = explained_variance(rollout.values, returns, rollout.mask)
        return {
            "policy/kl": kl,
            "policy/kl_coef": self.kl_coef,
            "policy/score": score,
            "policy/total_reward": score - self.kl_coef * kl,
            "policy/explained_variance": explained.item(),
            "policy/ended": rollout.is_ended.float().mean().item(),
            "policy/response_tokens": rollout.mask.sum(dim=1).float().mean().item(),
        }


def _prefix_states_of(draw: SampledBatch) -> dict[tuple[int, ...], Float[Tensor, "L D"]]:
    """Return what frozen layers said of each query with its response up to the stop token.

    A task's prefix and suffix, which the reward model does not see, make other sequences of them:
    then none of these is asked for.
    """
    if draw.generation.prefix_states is None:
        return {}
    counts = torch.cat([draw.query_mask, draw.stop_mask.mask], dim=1)
    ids = torch.cat([draw.query, draw.generation.response], dim=1)
    return {
        tuple(ids[i][counts[i]].tolist()): draw.generation.prefix_states[i][counts[i]]
        for i in range(ids.shape[0])
    }


def select_rows(rollout: Rollout, rows: Int[Tensor, " N"]) -> Rollout:
    """Return some responses of a rollout."""
    prefix_states = None if rollout.prefix_states is None else rollout.prefix_states[rows]
    rest = {name: value[rows] for name, value in vars(rollout).items() if name != "prefix_states"}
    return Rollout(**rest, prefix_states=prefix_states)
