"""Optimizer steps on a rollout: epochs x minibatches x microbatches, whatever the method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.adam import tensorflow_eps
from prefloop.functional.kl import kl_increase, kl_k2
from prefloop.functional.kl_control import kl_cap_weight
from prefloop.functional.masking import masked_mean
from prefloop.functional.schedules import linear_decay
from prefloop.models.heads import ValueHead
from prefloop.models.memory import fits_in_memory
from prefloop.models.optimizing import refuse_nan, set_adam
from prefloop.models.roles import RoleModel
from prefloop.models.scoring import Forward, respond_forward
from prefloop.policy.methods.method import (
    BatchSize,
    LearnsFromComparisons,
    LossTargets,
    Method,
)
from prefloop.samples.sampler import Sampler
from prefloop.seeding import numpy_stream
from prefloop.settings.policy import KLConfig, PolicyConfig


@dataclass(frozen=True, kw_only=True)
class StepStats:
    """Metrics of one optimizer step, or of one microbatch's share in it."""

    loss: float
    kl_increase: float
    """How much the KL had grown since the rollout when the step began, nats per response."""
    shares: Mapping[str, float]
    """Metrics that add up over microbatches."""
    maxima: Mapping[str, float]
    """Metrics of which the largest counts."""

    @classmethod
    def total(cls, parts: Sequence["StepStats"]) -> "StepStats":
        """Return the sums of the shares, and the largest of the maxima."""
        return cls(
            loss=sum(part.loss for part in parts),
            kl_increase=sum(part.kl_increase for part in parts),
            shares={name: sum(part.shares[name] for part in parts) for name in parts[0].shares},
            maxima={name: max(part.maxima[name] for part in parts) for name in parts[0].maxima},
        )

    @classmethod
    def metrics(cls, steps: Sequence["StepStats"]) -> dict[str, float]:
        """Return an update's metrics: means over its steps, and the largest of the maxima."""
        whole = cls.total(steps)
        means = {name: value / len(steps) for name, value in whole.shares.items()}
        return {**means, **whole.maxima, "policy/kl_increase": whole.kl_increase / len(steps)}


class PolicyOptimizer:
    """Adam on the weights of the policy, and of the value head where there is one."""

    def __init__(
        self,
        method: Method,
        policy: RoleModel,
        value_head: ValueHead | None,
        sampler: Sampler,
        config: PolicyConfig,
    ) -> None:
        self.method = method
        self.policy = policy
        self.value_head = value_head
        self.sampler = sampler
        self.config = config
        self.n_steps = 0
        self._is_offline = isinstance(method, LearnsFromComparisons)
        """Whether responses are labeled ones: of these nothing says how the policy's KL moved."""
        self.adam = torch.optim.Adam(
            [parameter for _, parameter in self.named_parameters],
            lr=config.lr,
            eps=config.adam_eps,
            fused=True,
        )

    @property
    def named_parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """All that is trained."""
        head = [] if self.value_head is None else list(self.value_head.named_parameters())
        return [*self.policy.named_parameters, *((f"value_head.{name}", p) for name, p in head)]

    def improve(
        self, rollout: Rollout, *, kl: float, kl_coef: float, update: int, seed: int
    ) -> dict[str, float]:
        """Take `epochs` passes over the rollout, in a fresh order each, and return the metrics.

        `kl` is the rollout's, nats per response. A step weighs the KL term by the KL that the step
        before it found, which costs no pass of its own. Afterwards no gradient is kept.
        """
        steps: list[StepStats] = []
        weights = []
        lr = self.config.lr * linear_decay(update, self.config.updates)
        size = self.config.microbatch_size
        for minibatch in self._minibatches(rollout, update, seed):
            self.n_steps += 1
            eps = tensorflow_eps(self.n_steps, eps=self.config.adam_eps)
            set_adam(self.adam, lr=lr, eps=eps)
            kl_now = kl + (steps[-1].kl_increase if steps else 0.0)
            weights.append(cap_weight(self.config.kl, kl_now))
            with fits_in_memory("training the policy", policy__microbatch_size=size):
                steps.append(self.step(minibatch, kl_coef=kl_coef, kl_weight=weights[-1]))
        self.adam.zero_grad(set_to_none=True)
        found = StepStats.metrics(steps)
        if self._is_offline:
            del found["policy/kl_increase"]
        means = {"policy/kl_cap_weight": sum(weights) / len(weights), "policy/lr": lr}
        return found | means

    def _minibatches(self, rollout: Rollout, update: int, seed: int) -> Iterator[Rollout]:
        """Yield the minibatches of every epoch; the responses to one prompt stay together."""
        config, k = self.config, self.method.samples_per_prompt
        device = rollout.response.device
        for epoch in range(config.epochs):
            stream = numpy_stream(seed, "minibatches", update, epoch)
            order = torch.as_tensor(stream.permutation(config.batch_size // k), device=device)
            for prompts in torch.split(order, config.minibatch_size // k):
                rows = prompts.unsqueeze(1) * k + torch.arange(k, device=device)
                yield rollout.rows(rows.flatten())

    def step(self, minibatch: Rollout, *, kl_coef: float, kl_weight: float = 0.0) -> StepStats:
        """Take one optimizer step; microbatches only bound the memory.

        `kl_weight` is the weight of the KL term in the loss; at 0 there is none.
        """
        targets = self.method.targets(minibatch, kl_coef=kl_coef)
        size = BatchSize(len(minibatch.scores), minibatch.mask.sum())
        self.adam.zero_grad(set_to_none=True)
        every = torch.arange(size.n_responses, device=minibatch.response.device)
        parts = [
            self._backward(
                minibatch.rows(rows),
                {name: target[rows] for name, target in targets.items()},
                size,
                kl_weight,
            )
            for rows in torch.split(every, self.config.microbatch_size)
        ]
        whole = StepStats.total(parts)
        refuse_nan(whole.loss, f"the loss of {self.method.name}", "lower policy.lr")
        self.adam.step()
        return whole

    def _backward(
        self, rollout: Rollout, targets: LossTargets, size: BatchSize, kl_weight: float
    ) -> StepStats:
        """Add a microbatch's share of the gradient."""
        forward = self.forward(rollout)
        found = self.method.loss(forward, rollout, targets, size=size)
        loss = found.loss
        if kl_weight:
            loss = loss + kl_weight * masked_mean(
                kl_k2(forward.logprobs, rollout.ref_logprobs, rollout.mask),
                rollout.mask,
                denominator=size.n_tokens,
            )
        loss.backward()  # type: ignore[no-untyped-call]
        entropy = masked_mean(forward.entropy, rollout.mask, denominator=size.n_tokens)
        return StepStats(
            loss=loss.item(),
            kl_increase=0.0
            if self._is_offline
            else _kl_increase(forward.logprobs, rollout) / size.n_responses,
            shares={**found.shares, "policy/entropy": entropy.item()},
            maxima=found.maxima,
        )

    def forward(self, rollout: Rollout) -> Forward:
        """Return what the policy as it is now says of a rollout's responses."""
        return respond_forward(
            self.policy,
            rollout.query,
            rollout.query_mask,
            rollout.response,
            temperature=self.sampler.task.temperature,
            banned=self.sampler.banned,
            value_head=self.value_head,
            with_entropy=True,
            prefix_states=rollout.prefix_states,
            loss_mask=rollout.mask,
        )


def cap_weight(config: KLConfig, kl: float) -> float:
    """Return the weight of the KL term at this KL; 0 without a cap."""
    return 0.0 if config.cap is None else kl_cap_weight(kl, cap=config.cap)


@torch.no_grad()
def _kl_increase(logprobs: Float[Tensor, "B T"], rollout: Rollout) -> float:
    grown = kl_increase(logprobs, rollout.logprobs, rollout.ref_logprobs, rollout.mask)
    return grown.sum().item()
