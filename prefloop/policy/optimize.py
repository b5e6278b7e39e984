"""Optimizer steps on a rollout: epochs x minibatches x microbatches, whatever the method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
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
from prefloop.models.processes import Plain, Processes
from prefloop.models.response_rows import responses_in_row
from prefloop.models.roles import RoleModel
from prefloop.models.scoring import Forward, respond_forward
from prefloop.models.sharded_weights import gradient_norm, parameter_groups
from prefloop.policy.methods.method import (
    BatchSize,
    LearnsFromComparisons,
    LossTargets,
    Method,
)
from prefloop.samples.sampler import Sampler
from prefloop.seeding import numpy_stream
from prefloop.settings.policy import KLConfig, PolicyConfig

POLICY, GRADIENT = "policy", "policy gradient"
"""What other processes know these weights and this work by."""


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


@dataclass(frozen=True, kw_only=True)
class MinibatchShare:
    """Some responses of a minibatch, with what their share of its loss depends on."""

    rollout: Rollout
    targets: LossTargets
    size: BatchSize
    """Of the whole minibatch."""
    kl_weight: float
    """The weight of the KL term in the loss; at 0 there is none."""

    def rows(self, rows: Int[Tensor, " N"]) -> "MinibatchShare":
        """Return the share of some of the responses."""
        targets = {name: target[rows] for name, target in self.targets.items()}
        return replace(self, rollout=self.rollout.rows(rows), targets=targets)

    def plain(self) -> Plain:
        """Return the share as plain data, for another process."""
        own = {"targets": dict(self.targets), "size": tuple(self.size), "kl_weight": self.kl_weight}
        return {**own, "rollout": dict(vars(self.rollout))}

    @classmethod
    def of(cls, plain: Plain) -> "MinibatchShare":
        """Return the share that another process sent."""
        given = {**plain, "rollout": Rollout(**plain["rollout"])}
        return cls(**{**given, "size": BatchSize(*plain["size"])})


class PolicyOptimizer:
    """Adam on the weights of the policy, and of the value head where there is one."""

    def __init__(
        self,
        method: Method,
        policy: RoleModel,
        value_head: ValueHead | None,
        sampler: Sampler,
        config: PolicyConfig,
        *,
        processes: Processes | None = None,
    ) -> None:
        """Of several `processes` this one takes the steps; all of them work the gradients out."""
        self.processes = Processes() if processes is None else processes
        self.method = method
        self.policy = policy
        self.value_head = value_head
        self.sampler = sampler
        self.config = config
        self.n_steps = 0
        self._is_offline = isinstance(method, LearnsFromComparisons)
        """Whether responses are labeled ones: of these nothing says how the policy's KL moved."""
        self.adam = torch.optim.Adam(
            parameter_groups([parameter for _, parameter in self.named_parameters]),
            lr=config.lr,
            eps=config.adam_eps,
            fused=True,
        )

    @property
    def named_parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """All that is trained."""
        head = [] if self.value_head is None else list(self.value_head.named_parameters())
        return [*self.policy.named_parameters, *((f"value_head.{name}", p) for name, p in head)]

    @property
    def shares_queries(self) -> bool | None:
        """Whether the model can read responses to one query in one row; None without such."""
        several = self.config.trains and self.method.samples_per_prompt > 1
        return self.policy.shares_queries if several else None

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
        # A setting above what there is to divide would be lowered in vain.
        size = min(self.config.microbatch_size, self.config.minibatch_size)
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
        """Take one optimizer step on the gradients of all processes.

        `kl_weight` is the weight of the KL term in the loss; at 0 there is none.
        """
        targets = self.method.targets(minibatch, kl_coef=kl_coef)
        whole = MinibatchShare(
            rollout=minibatch,
            targets=dict(targets),
            size=BatchSize(len(minibatch.scores), minibatch.mask.sum()),
            kl_weight=kl_weight,
        )
        trained = [parameter for _, parameter in self.named_parameters]
        self.processes.send_weights(POLICY, trained)
        own, *others = self._shares(whole)
        found, answers = self.processes.call(
            GRADIENT, [share.plain() for share in others], lambda: self.gradient(own)
        )
        total = StepStats.total([found, *(StepStats(**answer) for answer in answers)])
        refuse_nan(total.loss, f"the loss of {self.method.name}", "lower policy.lr")
        self.processes.sum_gradients(POLICY, trained)
        length = gradient_norm(trained)
        refuse_nan(length, f"the gradient of {self.method.name}", "lower policy.lr")
        self.policy.step(self.adam)
        return replace(total, maxima={**total.maxima, "policy/grad_norm": length})

    def _shares(self, whole: "MinibatchShare") -> list["MinibatchShare"]:
        """Return each process's share of a minibatch; responses to one prompt stay together."""
        k = self.method.samples_per_prompt
        parts = self.processes.shares(whole.size.n_responses // k)
        if len(parts) == 1:
            return [whole]
        every = torch.arange(whole.size.n_responses, device=whole.rollout.response.device)
        return [whole.rows(every[k * part.start : k * part.stop]) for part in parts]

    def gradient(self, share: "MinibatchShare") -> StepStats:
        """Work out a share of a step's gradient; microbatches only bound the memory."""
        self.adam.zero_grad(set_to_none=True)
        parts = [self._backward(share.rows(rows)) for rows in self.microbatches(share.rollout)]
        return StepStats.total(parts)

    def microbatches(self, rollout: Rollout) -> Sequence[Int[Tensor, " N"]]:
        """Return the rows of whole prompts that each pass reads; no query is divided from those
        that share its row."""
        every = torch.arange(len(rollout.scores), device=rollout.response.device)
        n = self._n_shared(rollout)
        return torch.split(every, self.config.microbatch_size // n * n)

    def _backward(self, share: "MinibatchShare") -> StepStats:
        """Add a microbatch's share of the gradient."""
        rollout, size = share.rollout, share.size
        forward = self.forward(rollout)
        found = self.method.loss(forward, rollout, share.targets, size=size)
        loss = found.loss
        if share.kl_weight:
            loss = loss + share.kl_weight * masked_mean(
                kl_k2(forward.logprobs, rollout.ref_logprobs, rollout.mask),
                rollout.mask,
                denominator=size.n_tokens,
            )
        self.policy.backward(loss)
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
        """Return what the policy as it is now says of the responses of a microbatch."""
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
            n_shared=self._n_shared(rollout),
        )

    def _n_shared(self, rollout: Rollout) -> int:
        return responses_in_row(
            self.policy,
            rollout.query,
            rollout.response,
            per_query=self.method.samples_per_prompt,
            at_once=self.config.microbatch_size,
        )


def cap_weight(config: KLConfig, kl: float) -> float:
    """Return the weight of the KL term at this KL; 0 without a cap."""
    return 0.0 if config.cap is None else kl_cap_weight(kl, cap=config.cap)


@torch.no_grad()
def _kl_increase(logprobs: Float[Tensor, "B T"], rollout: Rollout) -> float:
    grown = kl_increase(logprobs, rollout.logprobs, rollout.ref_logprobs, rollout.mask)
    return grown.sum().item()
